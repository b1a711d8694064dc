// Package predict runs an ensemble: it finds the images and the weights, runs every
// network over every image, and writes the submission.
//
//	summary, err := predict.Run(ctx, plan, predict.Options{
//		Archs:      []arch.Arch{arch.SEResNeXt50},
//		Operations: engine.Operations(),
//		Formats: []vision.Format{jpeg.Format, png.Format},
//		Input:   "../input",
//		Output:  "submission.csv",
//	})
//
// [Describe] shows what Run would do, and [Fold] predicts with one set of weights.
//
// # Guarantees
//
// The submission is the same, byte for byte, for any number of threads, any batch size
// and any order of models, and whether or not the run was interrupted and resumed.
//
// Run uses weights only if their SHA-256 is the plan's. Decrypted weights never
// reach the disk. An image without prediction gets default labels: Plan.Fallback, or else the
// most frequent labels. Run writes the submission from the first finished fold on,
// and replaces it as a whole. With a budget it ends in time, and drops views and folds in the order of
// [ensemble.Plan.Cuts].
//
// # Refusals
//
// Before the first prediction, Run refuses weights that are missing, truncated, or
// encrypted under another key. Options.Partial lets it go on without them. It refuses
// an input without a sample submission, or one of an unsupported kind. If no image
// exists, it writes default labels.
package predict
