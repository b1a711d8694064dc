// Package pace makes a run end within its time budget: it measures the speed of the
// machine, and decides which fold is next and how many views its images get.
//
//	clock := pace.NewClock(time.Now(), 8*time.Hour)
//	schedule := pace.NewSchedule(plan, len(images), pace.NewSpeed(costs, 20*time.Second))
//	for {
//		schedule.Fit(clock.Left(), nil)
//		job := schedule.Next(slow)
//		if job == nil || clock.Over() {
//			break
//		}
//		… predict job.Fold with schedule.Views(job) views, and call schedule.Speed.Predicted after each batch …
//	}
//
// [Schedule.Fit] makes as few cuts of the plan as the time demands. Folds that the first
// cuts drop are predicted last, so that a wrong estimate costs the least score. If time
// is left after all, dropped folds are predicted, too.
//
// The package reads no files and starts no goroutines, except those of [Within]. Its
// types are not safe for concurrent use.
package pace
