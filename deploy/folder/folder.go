// Package folder reads and writes deployed folders: what `deploy-kernel infer`
// makes and `deploy-kernel push` uploads.
//
//	deploy.json               the manifest
//	kernel.go                 the kernel as one Go file
//	kernel.py                 the script that Kaggle starts
//	kernel-metadata.json
//	program/kernel.bin        the program built from kernel.go
//	weights/*.safetensors.enc further folders of weights are weights-2, weights-3, …
//	key/weights.key           only if the key has a dataset of its own
//	push.json, submit.json    the records of uploads and submissions
//
// Each of program, weights and key is a dataset and has a dataset-metadata.json.
//
//	manifest, err := folder.Read("deploy")
//
// A [Draft] collects the files of a new folder and then replaces the old folder as a
// whole.
package folder

// Files of a deployed folder.
const (
	ManifestName    = "deploy.json"
	KernelGo        = "kernel.go"
	KernelPy        = "kernel.py"
	KernelMetadata  = "kernel-metadata.json"
	DatasetMetadata = "dataset-metadata.json" // of each dataset
	ProgramName     = "kernel.bin"            // in the folder Program
	KeyName         = "weights.key"           // in the folder Key
	PushRecord      = "push.json"             // written by package push
	SubmitRecord    = "submit.json"           // written by package submit
)

// Subfolders of a deployed folder. Each is uploaded as a dataset.
const (
	Program = "program"
	Weights = "weights" // further ones are weights-2, weights-3, …
	Key     = "key"
)
