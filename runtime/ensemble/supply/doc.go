// Package supply reads the weights of an ensemble's folds: it finds their files under
// the input root, decrypts them into memory and checks them.
//
//	vault, badKeys := supply.NewVault(plan, supply.Options{Found: found})
//	queue := supply.NewQueue(ctx, vault)
//	defer queue.Close()
//	queue.Prefetch(&folds[0])
//	weights, err := queue.Wait(ctx, &folds[0], time.Minute)
//	… load weights.Data …
//	vault.Release(weights.Data)
//
// A [Vault] never writes to disk. It returns weights only if their size and SHA-256 are
// the plan's. It finds them under any file name, and tries a file of the right name
// first.
package supply
