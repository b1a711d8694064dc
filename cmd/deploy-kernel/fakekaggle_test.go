package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fakeKaggle replaces Kaggle's client, with the output of version 2.2.5. Its state is
// the folder $FAKE_KAGGLE: a file for each dataset and kernel, submissions.csv, and
// files that inject faults:
//
//	version   the version to print instead
//	fail      the number of commands that fail
//	hang      uploads wait for a signal
//	login     nobody is logged in
//	busy      the number of new versions that are refused
//	vanish    the number of datasets that are accepted but do not appear
//	looks     the number of looks until a submission is scored
func fakeKaggle() {
	state := os.Getenv("FAKE_KAGGLE")
	args := os.Args[1:]
	log, err := os.OpenFile(filepath.Join(state, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(log, strings.Join(args, " "))
		log.Close()
	}
	file := func(id string) string { return filepath.Join(state, strings.ReplaceAll(id, "/", "_")) }
	exit := func(status int, text string) {
		fmt.Println(text)
		os.Exit(status)
	}
	if args[0] == "--version" {
		if text, err := os.ReadFile(file("version")); err == nil {
			exit(0, strings.TrimSpace(string(text)))
		}
		exit(0, "Kaggle CLI 2.2.5")
	}
	// counted reports whether the number in a file is above 0, and decrements it.
	counted := func(name string) bool {
		text, err := os.ReadFile(file(name))
		n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || n <= 0 {
			return false
		}
		os.WriteFile(file(name), []byte(strconv.Itoa(n-1)), 0o644)
		return true
	}
	if _, err := os.Stat(file("login")); err == nil {
		exit(1, "Authentication required to call the Kaggle API.\n\nFirst, you will need a Kaggle account. You can sign up at\n"+
			"  https://www.kaggle.com/account/login\n\nRecommended: log in with OAuth via a web-based authorization flow.\n"+
			"    kaggle auth login\n\n  Option B: API token file\n    Save the token to ~/.kaggle/access_token")
	}
	if counted("fail") {
		exit(1, "HTTPSConnectionPool(host='api.kaggle.com', port=443): Max retries exceeded")
	}
	if args[0] == "competitions" {
		fakeCompetition(args[1:], file, counted, exit)
	}
	switch args[0] + " " + args[1] {
	case "datasets status":
		text, err := os.ReadFile(file(args[2]))
		if err != nil {
			exit(1, "403 Client Error: Forbidden for url: https://api.kaggle.com/v1/datasets.DatasetApiService/GetDatasetStatus")
		}
		if n, _ := strconv.Atoi(string(text)); n > 0 {
			os.WriteFile(file(args[2]), []byte(strconv.Itoa(n-1)), 0o644)
			exit(0, "pending")
		}
		exit(0, "ready")
	case "datasets create", "datasets version":
		id := metadataID(args[3], "dataset-metadata.json")
		_, err := os.Stat(file(id))
		if args[1] == "create" && err == nil {
			exit(0, `Dataset creation error: The requested slug "x" is already in use by a dataset. Please choose another slug.`)
		}
		if _, err := os.Stat(file("hang")); err == nil {
			time.Sleep(time.Minute)
		}
		if args[1] == "version" && counted("busy") {
			exit(1, "Starting upload for file a\nUpload successful: a (1MB)\n"+
				"403 Client Error: Forbidden for url: https://api.kaggle.com/v1/datasets.DatasetApiService/CreateDatasetVersion\n\n"+
				"You don't have access to this resource.\nIf this is a competition, you may need to accept its rules first at\n"+
				"  https://www.kaggle.com/competitions/<competition>/rules")
		}
		if args[1] == "create" && counted("vanish") {
			exit(0, "Upload successful: a (1MB)\nYour private Dataset is being created. Please check progress at https://www.kaggle.com/"+id)
		}
		os.WriteFile(file(id), []byte("2"), 0o644)
		exit(0, "Starting upload for file a\nUpload successful: a (1MB)\nYour private Dataset is being created. Please check progress at https://www.kaggle.com/"+id)
	case "kernels push":
		id := metadataID(args[3], "kernel-metadata.json")
		os.WriteFile(file(id), nil, 0o644)
		exit(0, "Kernel version 7 successfully pushed.  Please check progress at https://www.kaggle.com/code/"+id)
	case "kernels status":
		if _, err := os.Stat(file(args[2])); err != nil {
			exit(1, "Cannot access kernel '"+args[2]+"' (Permission 'kernels.get' was denied).")
		}
		if counted("running") {
			exit(0, args[2]+` has status "KernelWorkerStatus.RUNNING"`)
		}
		if text, err := os.ReadFile(file("broken")); err == nil {
			exit(0, args[2]+` has status "KernelWorkerStatus.ERROR"`+"\nFailure message: \""+strings.TrimSpace(string(text))+`"`)
		}
		exit(0, args[2]+` has status "KernelWorkerStatus.COMPLETE"`)
	}
	exit(2, "usage")
}

// fakeCompetition replaces the client's commands of competitions.
func fakeCompetition(args []string, file func(string) string, counted func(string) bool, exit func(int, string)) {
	const header = "ref,fileName,date,description,status,publicScore,privateScore\n"
	list := file("submissions.csv")
	text, err := os.ReadFile(list)
	rows := strings.TrimPrefix(string(text), header)
	switch {
	case args[0] == "submissions" && err != nil:
		exit(0, "No submissions found")
	case args[0] == "submissions":
		if !counted("looks") {
			scored := "complete,0.64120,0.63980"
			if _, err := os.Stat(file("unscored")); err == nil {
				scored = "error,,"
			}
			rows = strings.ReplaceAll(rows, "SubmissionStatus.PENDING,,", "SubmissionStatus."+strings.ToUpper(scored))
			os.WriteFile(list, []byte(header+rows), 0o644)
		}
		exit(0, strings.TrimSpace("Warning: Looks like you're using an outdated API Version\n"+header+rows))
	case args[0] == "submit" && args[1] == "closed":
		exit(1, "Could not find competition or notebook - please verify that you entered the correct competition ID, notebook and version, "+
			"and that the competition is still accepting submissions.\n  Error: 404 Client Error: Not Found for url: https://api.kaggle.com/v1/x")
	case args[0] == "submit":
		ref := 1000 + strings.Count(rows, "\n")
		row := fmt.Sprintf("%d,%s,2026-11-28 17:%02d:00,\"%s\",SubmissionStatus.PENDING,,\n", ref, args[7], ref-1000, args[9])
		os.WriteFile(list, []byte(header+row+rows), 0o644)
		if _, err := os.Stat(file("cut")); err == nil {
			os.Remove(file("cut"))
			exit(1, "HTTPSConnectionPool(host='api.kaggle.com', port=443): Read timed out")
		}
		if _, err := os.Stat(file("norefs")); err == nil {
			exit(0, "Successfully submitted to "+args[1])
		}
		exit(0, fmt.Sprintf("Submission ref: %d\n4 submissions remaining today.\nSuccessfully submitted to %s", ref, args[1]))
	}
	exit(2, "usage")
}

func metadataID(folder, name string) string {
	var meta struct {
		ID string `json:"id"`
	}
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err == nil {
		err = json.Unmarshal(b, &meta)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return meta.ID
}
