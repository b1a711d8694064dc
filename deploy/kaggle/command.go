package kaggle

import (
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
)

// Command is a command of the client, without the program's name.
type Command []string

// String returns the command as a line for a shell.
func (c Command) String() string { return say.Shell(append([]string{"kaggle"}, c...)...) }

// CreateDataset returns the command that uploads a folder as a new dataset.
func CreateDataset(folder string, public bool) Command {
	c := Command{"datasets", "create", "-p", folder}
	if public {
		c = append(c, "--public")
	}
	return c
}

// NewVersion returns the command that uploads a folder as a new version of its
// dataset.
func NewVersion(folder, message string) Command {
	return Command{"datasets", "version", "-p", folder, "-m", message}
}

// DatasetStatus returns the command that asks for a dataset's status.
func DatasetStatus(id string) Command { return Command{"datasets", "status", id} }

// PushKernel returns the command that uploads a kernel and starts its run.
func PushKernel(folder string) Command { return Command{"kernels", "push", "-p", folder} }

// KernelStatus returns the command that asks for the status of a kernel's last run.
func KernelStatus(id string) Command { return Command{"kernels", "status", id} }

// Submit returns the command that submits a kernel's output file to a competition.
func Submit(competition, kernel string, version int, file, message string) Command {
	return Command{"competitions", "submit", competition, "-k", kernel, "-v", strconv.Itoa(version), "-f", file, "-m", message}
}

// Submissions returns the command that lists the user's submissions to a competition.
func Submissions(competition string) Command {
	return Command{"competitions", "submissions", competition, "--csv"}
}
