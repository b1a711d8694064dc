package ensemble

// Cut is one step of making a plan smaller: a fold gets fewer views or is dropped.
//
// A run with a budget makes the first cuts of the list, as many as the speed of the
// machine demands. It decides anew after every batch of images, and may take cuts back.
// It predicts the folds that the first cuts drop last.
type Cut struct {
	Model, Fold int // indices into Plan.Models and Model.Folds
	// Views is the number of views after the cut; 0 drops the fold.
	Views int
	// Score is the validation score of the plan after this cut and all before it, 0 if
	// unknown. A run shows it and does not use it otherwise.
	Score float64
}

// DefaultCuts returns the order of cuts if nothing is known of what each costs. Every
// fold first loses all views but one. Then the folds go, the last folds of all models
// before their last but one. The first fold of the first model stays.
func (p *Plan) DefaultCuts() []Cut {
	var views, folds []Cut
	for f := p.maxFolds() - 1; f >= 0; f-- {
		for m := len(p.Models) - 1; m >= 0; m-- {
			if f >= len(p.Models[m].Folds) {
				continue
			}
			if p.Models[m].Views > 1 {
				views = append(views, Cut{Model: m, Fold: f, Views: 1})
			}
			if m > 0 || f > 0 {
				folds = append(folds, Cut{Model: m, Fold: f})
			}
		}
	}
	return append(views, folds...)
}

func (p *Plan) maxFolds() int {
	n := 0
	for _, m := range p.Models {
		n = max(n, len(m.Folds))
	}
	return n
}
