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

// fakeKaggle stands for Kaggle's client, and says what version 2.2.5 says. Its
// state is the folder $FAKE_KAGGLE: a file for each dataset and kernel, and what
// to do wrong: "version" to tell of another, "fail" with the number of commands
// that fail, "hang" to wait for a signal when something is uploaded.
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
	if text, err := os.ReadFile(file("fail")); err == nil {
		if n, _ := strconv.Atoi(strings.TrimSpace(string(text))); n > 0 {
			os.WriteFile(file("fail"), []byte(strconv.Itoa(n-1)), 0o644)
			exit(1, "HTTPSConnectionPool(host='api.kaggle.com', port=443): Max retries exceeded")
		}
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
		os.WriteFile(file(id), []byte("2"), 0o644)
		exit(0, "Starting upload for file a\nUpload successful: a (1MB)\nYour private Dataset is being created. Please check progress at https://www.kaggle.com/"+id)
	case "kernels push":
		id := metadataID(args[3], "kernel-metadata.json")
		os.WriteFile(file(id), nil, 0o644)
		exit(0, "Kernel version 1 successfully pushed.  Please check progress at https://www.kaggle.com/code/"+id)
	case "kernels status":
		if _, err := os.Stat(file(args[2])); err != nil {
			exit(1, "Cannot access kernel '"+args[2]+"' (Permission 'kernels.get' was denied).")
		}
		exit(0, args[2]+` has status "KernelWorkerStatus.COMPLETE"`)
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
