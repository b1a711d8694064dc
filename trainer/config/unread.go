package config

import "reflect"

// Unread lists the keys that have another value than in [Default] but that nothing
// reads, because of the values of other keys. Each item names the key and the reason.
func (c *Config) Unread() []string {
	d := Default()
	var list []string
	check := func(unread bool, given, otherwise any, text string) {
		if unread && !reflect.DeepEqual(given, otherwise) {
			list = append(list, text)
		}
	}
	scheduler, t := c.Scheduler.Name, c.Train
	check(scheduler != "cosine", c.Cosine, d.Cosine, "cosine: only scheduler.name cosine reads it")
	check(scheduler != "cyclic_lr", t.LRDecayCoeff, d.Train.LRDecayCoeff, "train.lr_decay_coeff: only scheduler.name cyclic_lr reads it")
	check(scheduler == "cyclic_lr" || scheduler == "cosine", c.Optimizer.Params.LR, d.Optimizer.Params.LR,
		"optimizer.params.lr: the schedule "+scheduler+" has rates of its own")
	check(!t.EnableWarmup, t.Warmup, d.Train.Warmup, "train.warmup: train.enable_warmup is not set")
	check(!t.EnableWarmup, t.HeadOnlyWarmup, false, "train.head_only_warmup: train.enable_warmup is not set")
	check(!t.Mixup.Enable, t.Mixup.BetaA, d.Train.Mixup.BetaA, "train.mixup.beta_a: train.mixup.enable is not set")
	check(!t.SWA.Enable, t.SWA, d.Train.SWA, "train.swa: train.swa.enable is not set")
	check(!c.Data.RectCrop.Enable && c.Augmentations.RectCrop == 0, c.Data.RectCrop, d.Data.RectCrop,
		"data.rect_crop: neither data.rect_crop.enable nor augmentations.rect_crop is set")
	check(c.Augmentations.Erase.Prob == 0, c.Augmentations.Erase, d.Augmentations.Erase, "augmentations.erase: its prob is 0")
	return list
}
