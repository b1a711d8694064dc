package pace_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
)

// plan has two models: a with two folds and four views, b with one fold and one view.
func plan() *ensemble.Plan {
	fold := func(name string) ensemble.Fold { return ensemble.Fold{Name: name, Size: 100} }
	return &ensemble.Plan{Name: "two", Classes: 3, Models: []ensemble.Model{
		{Name: "a", Views: 4, Folds: []ensemble.Fold{fold("a0"), fold("a1")}},
		{Name: "b", Views: 1, Folds: []ensemble.Fold{fold("b0")}},
	}, Cuts: []ensemble.Cut{
		{Model: 0, Fold: 1, Views: 1, Score: 0.5},
		{Model: 1, Fold: 0, Views: 0, Score: 0.4},
		{Model: 0, Fold: 1, Views: 0, Score: 0.3},
		{Model: 0, Fold: 0, Views: 1, Score: 0.2},
	}}
}

// quick returns a schedule for 100 images on a machine that takes 10 ms for a view.
func quick() *pace.Schedule {
	s := pace.NewSchedule(plan(), 100, pace.NewSpeed([]float64{1, 1}, time.Second))
	s.Speed.Predicted(0, 100, time.Second)
	return s
}

func never(*ensemble.Fold) bool { return false }

func TestFoldsThatTheFirstCutsDropComeLast(t *testing.T) {
	got := ""
	for _, j := range quick().Jobs {
		got += j.Fold.Name + " "
	}
	if got != "a0 a1 b0 " {
		t.Errorf("the order is %s", got)
	}
}

// All folds take 4 s, 4 s and 1 s.
func TestFitMakesAsFewCutsAsTheTimeDemands(t *testing.T) {
	for _, c := range []struct {
		left string
		want pace.Loss
	}{
		{"9.1s", pace.Loss{}},
		{"9s", pace.Loss{Cuts: 1, Reduced: 1, Score: 0.5}},
		{"6.1s", pace.Loss{Cuts: 1, Reduced: 1, Score: 0.5}},
		{"5.5s", pace.Loss{Cuts: 2, Reduced: 1, Dropped: 1, Score: 0.4}},
		{"4.5s", pace.Loss{Cuts: 3, Dropped: 2, Score: 0.3}},
		{"1s", pace.Loss{Cuts: 4, Reduced: 1, Dropped: 2, Score: 0.2}},
	} {
		left, err := time.ParseDuration(c.left)
		if err != nil {
			t.Fatal(err)
		}
		s := quick()
		s.Fit(left, nil)
		if got := s.Loss(nil); got != c.want {
			t.Errorf("%s left: %+v, want %+v", c.left, got, c.want)
		}
		s.Fit(time.Hour, nil)
		if got := s.Loss(nil); got != (pace.Loss{}) {
			t.Errorf("%s left, then an hour: %+v", c.left, got)
		}
	}
}

func TestDroppedFoldsAndSlowOnesAreNextIfNothingElseIs(t *testing.T) {
	s := quick()
	s.Fit(5500*time.Millisecond, nil)
	slow := map[string]bool{"a0": true}
	isSlow := func(f *ensemble.Fold) bool { return slow[f.Name] }
	for _, want := range []string{"a1", "b0", "a0"} {
		j := s.Next(isSlow)
		if j == nil || j.Fold.Name != want {
			t.Fatalf("next is %+v, want %s", j, want)
		}
		j.Start()
		j.Advance(100, s.Views(j))
		s.Finish(j)
	}
	if j := s.Next(isSlow); j != nil {
		t.Errorf("after the last fold comes %s", j.Fold.Name)
	}
	if !s.Jobs[1].Reduced() || s.Jobs[0].Reduced() || s.Progress() != 1 || s.Remaining(nil) != 0 {
		t.Errorf("in the end: progress %v, %v remaining", s.Progress(), s.Remaining(nil))
	}
}

func TestARunningFoldKeepsAtLeastOneView(t *testing.T) {
	s := quick()
	j := s.Next(never)
	j.Start()
	j.Advance(50, 4)
	s.Fit(0, j)
	if got := s.Views(j); got != 1 {
		t.Errorf("%d views", got)
	}
	if got := s.Remaining(j); got != 500*time.Millisecond {
		t.Errorf("%v remaining", got)
	}
	if got := s.Rate(j); math.Abs(got-100) > 1e-9 {
		t.Errorf("%v images/s", got)
	}
}

// A machine that becomes slower is slower for models that were not measured, too.
func TestTheSpeedFollowsTheMachine(t *testing.T) {
	s := quick()
	j := s.Next(never)
	j.Start()
	j.Advance(100, 4)
	s.Finish(j)
	before := s.Remaining(nil)
	for range 10 {
		s.Speed.Predicted(0, 100, 3*time.Second)
	}
	if got := float64(s.Remaining(nil)) / float64(before); math.Abs(got-3) > 0.01 {
		t.Errorf("three times slower: the estimate grows by %v", got)
	}
}

func TestPatienceIsLimitedIfAnotherFoldCouldRun(t *testing.T) {
	s := quick()
	limited, free := pace.NewClock(time.Now(), 10*time.Minute), pace.NewClock(time.Now(), 0)
	j := s.Jobs[0]
	if got := s.Patience(j, free, never); got != 0 {
		t.Errorf("without a budget: %v", got)
	}
	if got := s.Patience(j, limited, never); got != 12*time.Second {
		t.Errorf("before the first read: %v", got)
	}
	s.Speed.Read(50, 10*time.Second)
	if got := s.Patience(j, limited, never); got != 80*time.Second {
		t.Errorf("after a read of 20 s for 100 bytes: %v", got)
	}
	if got := s.Patience(j, limited, func(f *ensemble.Fold) bool { return f != j.Fold }); got != 0 {
		t.Errorf("if all others are slow: %v", got)
	}
}

func TestTheClockKeepsAReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pace.NewClock(time.Now(), time.Hour)
		if got := c.Left(); got != 59*time.Minute {
			t.Errorf("%v left", got)
		}
		c.Wrote(time.Minute)
		if got := c.Left(); got != 56*time.Minute {
			t.Errorf("after a write of a minute: %v left", got)
		}
		time.Sleep(56 * time.Minute)
		if !c.Over() || pace.NewClock(time.Now().Add(-time.Hour), 0).Over() {
			t.Error("over at the wrong time")
		}
	})
}

func TestWithinGivesUpAtTheEndOfTheBudgetOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func(d time.Duration) func() (int, error) {
			return func() (int, error) {
				time.Sleep(d)
				return 7, nil
			}
		}
		c := pace.NewClock(time.Now(), time.Minute)
		if v, err := pace.Within(t.Context(), c, work(time.Second)); v != 7 || err != nil {
			t.Errorf("in time: %d, %v", v, err)
		}
		if v, err := pace.Within(t.Context(), c, work(time.Hour)); v != 0 || !errors.Is(err, pace.ErrLate) {
			t.Errorf("too late: %d, %v", v, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("a cause"))
		if _, err := pace.Within(ctx, pace.NewClock(time.Now(), 0), work(time.Hour)); err != context.Canceled {
			t.Errorf("canceled: %v", err)
		}
		time.Sleep(2 * time.Hour) // the work goes on
	})
}

// An ensemble of three folds, each of 100 images, has half the time that it needs.
func Example() {
	schedule := pace.NewSchedule(plan(), 100, pace.NewSpeed([]float64{1, 1}, time.Second))
	schedule.Speed.Predicted(0, 100, time.Second)
	schedule.Fit(5500*time.Millisecond, nil)
	for job := schedule.Next(never); job != nil; job = schedule.Next(never) {
		fmt.Println(job.Fold.Name, "with", schedule.Views(job), "views")
		schedule.Finish(job)
	}
	// Output:
	// a0 with 4 views
	// a1 with 1 views
	// b0 with 1 views
}
