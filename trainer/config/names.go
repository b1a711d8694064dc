package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Keys lists the keys of a section, in the order of the file; "" is the whole.
// It is nil where there is no such section.
func Keys(section string) []string {
	t := reflect.TypeFor[Config]()
	for part := range strings.SplitSeq(section, ".") {
		if section == "" {
			break
		}
		field, ok := fieldOf(reflect.New(t).Elem(), part)
		if !ok || field.Kind() != reflect.Struct {
			return nil
		}
		t = field.Type()
	}
	return keysOf(t)
}

// Values lists the names that a key may have, nil where it takes anything else:
// those of architectures, optimizers, schedules, losses and so on.
func Values(key string) []string {
	switch key {
	case "model.arch":
		var names []string
		for _, a := range arch.All() {
			names = append(names, a.Name)
		}
		return names
	case "optimizer.name":
		return slices.Sorted(maps.Keys(optimizerParams))
	case "scheduler.name":
		return slices.Sorted(maps.Keys(schedulerParams))
	case "loss.name":
		return slices.Sorted(maps.Keys(lossParams))
	case "augmentations.affine":
		return affines[1:]
	case "model.resize":
		return vision.Policies()
	case "model.interpolation":
		return vision.Interpolations()
	case "model.normalize":
		var names []string
		for _, n := range vision.Normalizations() {
			names = append(names, n.Name)
		}
		return names
	case "alpha":
		return alphas
	case "exif":
		return exifs
	case "test.tta_combine_func":
		return []string{string(Mean)}
	}
	t := reflect.TypeFor[Config]()
	v := reflect.New(t).Elem()
	for part := range strings.SplitSeq(key, ".") {
		if v.Kind() != reflect.Struct {
			return nil
		}
		field, ok := fieldOf(v, part)
		if !ok {
			return nil
		}
		v = field
	}
	if v.Kind() == reflect.Bool {
		return []string{"true", "false"}
	}
	return nil
}
