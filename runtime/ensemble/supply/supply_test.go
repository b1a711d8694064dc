package supply_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/supply"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func open(t testing.TB, w *ensembletest.World, key *crypt.Key) (*supply.Vault, []error) {
	t.Helper()
	found, err := input.Find(t.Context(), w.Root, input.Wanted{Weights: w.Plan.FoldNames()})
	if err != nil {
		t.Fatal(err)
	}
	return supply.NewVault(w.Plan, supply.Options{Found: found, Key: key, Threads: 2})
}

func TestAVaultReadsPlainAndEncryptedWeights(t *testing.T) {
	w := ensembletest.New(t, 0)
	v, bad := open(t, w, &w.Key)
	if len(bad) > 0 {
		t.Error(bad)
	}
	for m := range w.Plan.Models {
		model := &w.Plan.Models[m]
		for f := range model.Folds {
			fold := &model.Folds[f]
			if err := v.Check(t.Context(), fold); err != nil {
				t.Errorf("%s: %v", fold.Name, err)
			}
			data, err := v.Read(t.Context(), fold)
			if err != nil {
				t.Errorf("%s: %v", fold.Name, err)
				continue
			}
			if !bytes.Equal(data, ensembletest.WeightFile(t, ensembletest.Tiny, *model, fold.Name)) {
				t.Errorf("%s: other weights", fold.Name)
			}
			if base := v.Path(fold); !strings.Contains(base, fold.Name+".safetensors") {
				t.Errorf("%s: read from %s", fold.Name, base)
			}
			v.Release(data)
		}
	}
	missing := &ensemble.Fold{Name: "nobody", SHA256: strings.Repeat("0", 64), Size: 77}
	if err := v.Check(t.Context(), missing); !errors.Is(err, supply.ErrMissing) || v.Path(missing) != "" {
		t.Errorf("a fold without file: %v, %q", err, v.Path(missing))
	}
}

func TestAVaultTriesEveryKeyOfTheInput(t *testing.T) {
	w := ensembletest.New(t, 0)
	other, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, "a.key", []byte("no key\n"))
	w.Write(t, "b.key", []byte(other.Text()+"\n"))
	w.Write(t, "c.key", []byte(w.Key.Text()+"\n"))
	v, bad := open(t, w, nil)
	if len(bad) != 1 || !strings.Contains(bad[0].Error(), "a.key: ") {
		t.Errorf("unusable keys: %v", bad)
	}
	if _, err := v.Read(t.Context(), &w.Plan.Models[0].Folds[1]); err != nil {
		t.Error(err)
	}
}

func TestReleasedMemoryIsReused(t *testing.T) {
	w := ensembletest.New(t, 0)
	v, _ := open(t, w, &w.Key)
	first, err := v.Read(t.Context(), &w.Plan.Models[0].Folds[0])
	if err != nil {
		t.Fatal(err)
	}
	v.Release(first)
	second, err := v.Read(t.Context(), &w.Plan.Models[2].Folds[1])
	if err != nil || &second[0] != &first[0] {
		t.Errorf("another buffer, or %v", err)
	}
}

func TestDamagedWeightsAreNotReturned(t *testing.T) {
	w := ensembletest.New(t, 0)
	fold := &w.Plan.Models[0].Folds[0]
	path := w.Path("datasets/owner/weights/" + fold.Name + ".safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	v, _ := open(t, w, &w.Key)
	if _, err := v.Read(t.Context(), fold); err == nil || !strings.Contains(err.Error(), "not the weights that this plan was made with") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Read(ctx, fold); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

// slowSource takes a number of seconds for each fold, named as the number.
func slowSource(started *[]string) supply.Func {
	return func(ctx context.Context, f *ensemble.Fold) ([]byte, error) {
		*started = append(*started, f.Name)
		d, err := time.ParseDuration(f.Name)
		if err != nil {
			return nil, err
		}
		select {
		case <-time.After(d):
			return []byte(f.Name), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func TestAQueueReadsAheadAndComesBackToSlowReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started []string
		q := supply.NewQueue(t.Context(), slowSource(&started))
		defer q.Close()
		slow, quick, next := &ensemble.Fold{Name: "60s"}, &ensemble.Fold{Name: "5s"}, &ensemble.Fold{Name: "6s"}
		wait := func(f *ensemble.Fold, patience, took time.Duration, want error) {
			t.Helper()
			start := time.Now()
			w, err := q.Wait(t.Context(), f, patience)
			if !errors.Is(err, want) || time.Since(start) != took || err == nil && string(w.Data) != f.Name {
				t.Errorf("%s: %q, %v after %v", f.Name, w.Data, err, time.Since(start))
			}
		}
		wait(slow, 10*time.Second, 10*time.Second, supply.ErrSlow)
		if !q.Slow(slow) || q.Slow(quick) {
			t.Error("the wrong fold is slow")
		}
		wait(quick, 10*time.Second, 5*time.Second, nil)
		q.Prefetch(next)
		q.Prefetch(quick) // one at a time
		time.Sleep(4 * time.Second)
		wait(next, 0, 2*time.Second, nil)
		time.Sleep(time.Minute)
		if q.Slow(slow) {
			t.Error("what has arrived is slow")
		}
		wait(slow, time.Second, 0, nil)
		q.Prefetch(next)
		synctest.Wait()
		wait(quick, 0, 5*time.Second, nil) // gives up the one read ahead
		if got := strings.Join(started, " "); got != "60s 5s 6s 6s 5s" {
			t.Errorf("read: %s", got)
		}
	})
}

func TestWaitReturnsTheCauseOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started []string
		q := supply.NewQueue(t.Context(), slowSource(&started))
		defer q.Close()
		late := errors.New("late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if _, err := q.Wait(ctx, &ensemble.Fold{Name: "9s"}, 0); err != late {
			t.Errorf("got %v", err)
		}
	})
}
