// Package deploy turns an ensemble file into a folder to upload to Kaggle: the
// kernel as one Go file, the program built from it, the script that starts it, the
// encrypted weights, and the metadata of Kaggle's client.
//
//	manifest, err := deploy.Deploy(ctx, deploy.Options{
//		Ensemble: "best.yml", Plan: plan.Options{Weights: []string{"models"}},
//		Output: "deploy", Owner: "you", Key: key,
//	})
//
// [Deploy] runs stages in the order of this list; each is a function with typed
// input and output:
//
//	readEnsemble   the ensemble and its weights -> the plan
//	openTestSet    the sample submission, its form and its images
//	chooseFormats  the image formats that the kernel decodes
//	bundle         the plan -> kernel.go
//	build          kernel.go -> the program
//	writeWeights   the encrypted weights, divided among datasets
//	writeKey       the key's own dataset, if it has one
//	writeScript    kernel.py and the metadata
//	verify         run the program beside the unbundled runtime
//
// Deploy checks everything before it touches Output. Every weight file is there and fits
// its architecture. The kernel compiles, and predicts two images as the unbundled runtime
// does. All sizes are under Kaggle's limits.
//
// The same ensemble, weights and key give the same kernel, program and script.
// Encryption is random, so Deploy keeps weights that are already encrypted under
// the key, at Output or in the folders of weights.
//
// It refuses to put a key into anything public, and to replace a folder that it
// did not make. It needs the go command, but no network.
package deploy

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
)

// Deploy makes the folder o.Output and returns its manifest.
func Deploy(ctx context.Context, o Options) (*folder.Manifest, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	draft, err := folder.Create(o.Output)
	if err != nil {
		return nil, err
	}
	defer draft.Discard()
	manifest, err := runStages(ctx, o, draft)
	if err == nil {
		err = draft.Commit(manifest)
	}
	if err != nil {
		return nil, draft.Explain(err)
	}
	return manifest, nil
}

// runStages fills the draft.
func runStages(ctx context.Context, o Options, draft *folder.Draft) (*folder.Manifest, error) {
	var (
		built    *plan.Built
		tests    *testSet
		formats  []string
		source   []byte // kernel.go
		program  program
		weights  []folder.Dataset
		key      []folder.Dataset
		manifest *folder.Manifest
	)
	for _, stage := range []struct {
		name string
		run  func() error
	}{
		{"reading the ensemble and its weights", func() (err error) {
			built, err = readEnsemble(ctx, o)
			return err
		}},
		{"checking the sample submission", func() (err error) {
			tests, err = openTestSet(ctx, o, built.Plan)
			return err
		}},
		{"reading the images' formats", func() (err error) {
			formats, err = chooseFormats(ctx, o, tests)
			return err
		}},
		{"writing the kernel as one Go file", func() (err error) {
			source, err = bundle(ctx, o, built, formats, draft)
			return err
		}},
		{"building the program from it", func() (err error) {
			program, err = build(ctx, source, draft)
			return err
		}},
		{"writing the weights", func() (err error) {
			weights, err = writeWeights(ctx, o, built.Weights, draft)
			return err
		}},
		{"writing the key", func() (err error) {
			key, err = writeKey(o, draft)
			return err
		}},
		{"writing the script and the metadata", func() (err error) {
			manifest, err = writeScript(o, built.Plan, source, program, append(weights, key...), draft)
			return err
		}},
		{"running the program on two images, beside the unbundled runtime", func() error {
			return verify(ctx, o, built, tests, program, manifest.Datasets, draft)
		}},
	} {
		o.step(stage.name)
		if err := stage.run(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return manifest, nil
}

// readEnsemble makes the plan that the kernel carries.
func readEnsemble(ctx context.Context, o Options) (*plan.Built, error) {
	built, err := plan.Build(ctx, o.Ensemble, o.Plan)
	if err != nil {
		return nil, err
	}
	built.Plan.Budget = o.Budget
	built.Plan.Sample = o.sampleName()
	return built, nil
}
