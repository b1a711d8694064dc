package push_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/push"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// site replaces api.kaggle.com on loopback. It has the calls that the client needs to
// upload datasets and a kernel.
type site struct {
	t  *testing.T
	mu sync.Mutex
	// blobs holds the SHA-256 of uploaded files, names their names, by token.
	blobs, names map[string]string
	datasets     map[string]*uploaded
	kernel       map[string]any
	parts        map[string][]byte // of incomplete files
	refuse       int               // the number of uploads to cut
	resumed      bool              // the client resumed one
	url          string
}

// uploaded is a dataset: the hashes of its files by name.
type uploaded struct {
	files    map[string]string
	private  bool
	versions int
	looks    int // until it is ready
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if token, ok := strings.CutPrefix(r.URL.Path, "/upload/"); ok {
		s.upload(w, token, r.Header.Get("Content-Range"), body)
		return
	}
	var request map[string]any
	if err := json.Unmarshal(body, &request); err != nil {
		s.t.Errorf("%s: %v", r.URL.Path, err)
	}
	answer, status := s.answer(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], request)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// upload receives a file or a part of it. It cuts the first s.refuse files in the middle,
// as a failing network does.
func (s *site) upload(w http.ResponseWriter, token, contentRange string, body []byte) {
	switch have := s.parts[token]; {
	case strings.HasPrefix(contentRange, "bytes */") && s.blobs[token] == "": // what is there?
		if len(have) > 0 {
			w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(have)-1))
		}
		w.WriteHeader(http.StatusPermanentRedirect)
	case s.refuse > 0:
		s.refuse--
		s.parts[token] = body[:len(body)/2]
		http.Error(w, "busy", http.StatusServiceUnavailable)
	case !strings.HasPrefix(contentRange, "bytes */"):
		if contentRange != "" {
			s.resumed = true
		}
		sum := sha256.Sum256(append(have, body...))
		s.blobs[token] = hex.EncodeToString(sum[:])
	}
}

// answer answers a call of the API.
func (s *site) answer(method string, q map[string]any) (map[string]any, int) {
	text := func(key string) string { v, _ := q[key].(string); return v }
	id := text("ownerSlug") + "/" + text("datasetSlug")
	switch method {
	case "GetDatasetStatus":
		d := s.datasets[id]
		if d == nil {
			return map[string]any{"code": 403, "message": "Permission 'datasets.get' was denied"}, http.StatusForbidden
		}
		if d.looks--; d.looks > 0 {
			return map[string]any{"status": "BLOBS_RECEIVED"}, http.StatusOK
		}
		return map[string]any{"status": "READY"}, http.StatusOK
	case "StartBlobUpload":
		token := fmt.Sprint("blob", len(s.names))
		s.names[token] = text("name")
		return map[string]any{"token": token, "createUrl": s.url + "/upload/" + token}, http.StatusOK
	case "CreateDataset":
		id := text("ownerSlug") + "/" + text("slug")
		private, _ := q["isPrivate"].(bool)
		s.datasets[id] = &uploaded{files: s.files(q), private: private, versions: 1, looks: 2}
		return map[string]any{"status": "Ok", "url": "https://kaggle.com/" + id}, http.StatusOK
	case "CreateDatasetVersion":
		inner, _ := q["body"].(map[string]any)
		d := s.datasets[id]
		d.files, d.looks = s.files(inner), 2
		d.versions++
		return map[string]any{"status": "Ok", "url": "https://kaggle.com/" + id}, http.StatusOK
	case "SaveKernel":
		s.kernel = q
		return map[string]any{"versionNumber": 1, "url": "https://kaggle.com/k"}, http.StatusOK
	case "GetKernelSessionStatus":
		return map[string]any{"status": "COMPLETE"}, http.StatusOK
	}
	s.t.Errorf("unknown call %s: %v", method, q)
	return map[string]any{"code": 404, "message": "no such call"}, http.StatusNotFound
}

func (s *site) files(q map[string]any) map[string]string {
	files := map[string]string{}
	list, _ := q["files"].([]any)
	for _, f := range list {
		token, _ := f.(map[string]any)["token"].(string)
		files[s.names[token]] = s.blobs[token]
	}
	return files
}

// realClient puts the official client on PATH, with url as its server. It uses the Python
// of the program kaggle on PATH.
func realClient(t *testing.T, url string) *kaggle.Client {
	t.Helper()
	path, err := exec.LookPath("kaggle")
	if err != nil {
		t.Skip("there is no Kaggle client: `pip install kaggle` and put it on PATH")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	python, ok := strings.CutPrefix(strings.SplitN(string(b), "\n", 2)[0], "#!")
	if !ok {
		t.Skipf("%s is no script", path)
	}
	dir := t.TempDir()
	script := fmt.Sprintf(`#!%s
import sys
import kagglesdk.kaggle_env as env
for e in env._env_to_endpoint:
    env._env_to_endpoint[e] = %q
sys.argv[0] = "kaggle"
from kaggle.cli import main
main()
`, python, url)
	if err := os.WriteFile(filepath.Join(dir, "kaggle"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("KAGGLE_USERNAME", "you")
	t.Setenv("KAGGLE_KEY", "0123456789abcdef0123456789abcdef")
	t.Setenv("KAGGLE_CONFIG_DIR", dir)
	t.Setenv("HOME", dir)
	client, err := kaggle.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the client is version %s", client.Version)
	return client
}

// Kaggle's own client accepts our folders, and the server receives the files of the
// manifest.
func TestTheOfficialClientUploadsWhatTheManifestSays(t *testing.T) {
	if os.Getenv("DEPLOY_KERNEL_LONG") == "" {
		t.Skip("set DEPLOY_KERNEL_LONG=1 to run Kaggle's client")
	}
	s := &site{t: t, blobs: map[string]string{}, names: map[string]string{}, parts: map[string][]byte{}, datasets: map[string]*uploaded{}, refuse: 1}
	server := httptest.NewServer(s)
	defer server.Close()
	s.url = server.URL
	dir := t.TempDir()
	files, err := demodata.Write(dir, demodata.Options{Images: 2})
	if err != nil {
		t.Fatal(err)
	}
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	o := deploy.Options{
		Ensemble: files.Ensemble, Output: filepath.Join(dir, "deploy"), Owner: "you", Key: key, KeyPlace: folder.InDataset,
		PublicWeights: templates.Public, Plan: plan.Options{Weights: []string{files.Weights}},
	}
	m, err := deploy.Deploy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	client := realClient(t, server.URL)
	po := push.Options{Folder: o.Output, Pause: 50 * time.Millisecond, Say: t.Logf}
	if err := push.Push(t.Context(), client, po); err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Datasets {
		got := s.datasets[d.ID]
		if got == nil {
			t.Fatalf("%s did not arrive", d.ID)
		}
		if got.private == d.Public {
			t.Errorf("%s: private is %v", d.ID, got.private)
		}
		if len(got.files) != len(d.Files) {
			t.Errorf("%s has the files %v", d.ID, got.files)
		}
		for _, f := range d.Files {
			if got.files[f.Name] != f.SHA256 {
				t.Errorf("%s of %s changed on the way", f.Name, d.ID)
			}
		}
	}
	if !s.resumed {
		t.Error("the client did not resume the cut upload")
	}
	s.checkKernel(m)
	statuses, err := push.Statuses(t.Context(), client, o.Output)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range statuses {
		want := "ready"
		if st.What == "kernel" {
			want = "complete"
		}
		if st.Status != want || st.Changed {
			t.Errorf("%+v", st)
		}
	}
	// Deployed again with another key, the datasets get a second version.
	if o.Key, err = crypt.NewKey(); err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Deploy(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := push.Push(t.Context(), client, po); err != nil {
		t.Fatal(err)
	}
	if n := s.datasets["you/demo-ensemble-weights"].versions; n != 2 {
		t.Errorf("the weights have %d versions", n)
	}
}

// checkKernel compares the kernel that arrived with the manifest.
func (s *site) checkKernel(m *folder.Manifest) {
	s.t.Helper()
	text, _ := s.kernel["text"].(string)
	sum := sha256.Sum256([]byte(text))
	if hex.EncodeToString(sum[:]) != m.Script.SHA256 {
		s.t.Error("kernel.py changed on the way")
	}
	for key, want := range map[string]any{
		"slug": m.Kernel, "language": "python", "kernelType": "script", "isPrivate": true, "enableInternet": false, "enableGpu": false,
	} {
		if got := s.kernel[key]; got != want {
			s.t.Errorf("the kernel's %s is %v, want %v", key, got, want)
		}
	}
	sources, _ := s.kernel["datasetDataSources"].([]any)
	if len(sources) != len(m.Datasets) {
		s.t.Errorf("the kernel mounts %v", sources)
	}
}
