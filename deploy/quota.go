package deploy

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// Quota bounds the datasets of weights. The zero Quota has the limits that Kaggle
// documents.
type Quota struct {
	Files   int   // of a dataset; 0 is templates.MaxDatasetFiles
	Dataset int64 // bytes of a dataset; 0 is templates.MaxDataset
	// Private bounds the bytes of all private datasets of weights together; 0 means
	// no limit.
	Private int64
	// Overflow makes the datasets public that exceed Private.
	Overflow bool
}

func (q Quota) withDefaults() Quota {
	if q.Files == 0 {
		q.Files = templates.MaxDatasetFiles
	}
	if q.Dataset == 0 {
		q.Dataset = templates.MaxDataset
	}
	return q
}

// spend adds the size of d to private, or makes d public if there is no more space.
func (q Quota) spend(d *folder.Dataset, private *int64) error {
	switch {
	case d.Public || len(d.Files) == 0:
		return nil
	case q.Private == 0 || *private+d.Size() <= q.Private:
		*private += d.Size()
		return nil
	case q.Overflow:
		d.Public = true
		return nil
	}
	return hint.New(fmt.Errorf("%s: %s more, and %s of the private space of %s are used", d.Folder, say.Size(d.Size()), say.Size(*private), say.Size(q.Private)),
		"--visibility overflow makes public what does not fit: encrypted weights may be")
}
