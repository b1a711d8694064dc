package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// Keys lists the keys of a section, in the order of the file; "" is the whole
// config. It returns nil if there is no such section.
func Keys(section string) []string {
	if v, ok := lookup(section); ok && v.Kind() == reflect.Struct {
		return yamlfile.Keys(v.Type())
	}
	return nil
}

// lookup returns the zero value of a key or section; "" is the whole config. ok reports
// whether there is such a key.
func lookup(key string) (v reflect.Value, ok bool) {
	v = reflect.New(reflect.TypeFor[Config]()).Elem()
	if key == "" {
		return v, true
	}
	for part := range strings.SplitSeq(key, ".") {
		if v.Kind() != reflect.Struct {
			return v, false
		}
		if v, ok = yamlfile.Field(v, part); !ok {
			return v, false
		}
	}
	return v, true
}

// Values lists the values that a key accepts, such as the names of architectures,
// optimizers, schedules and losses. It returns nil if the key takes numbers or free text.
func Values(key string) []string {
	switch key {
	case "optimizer.name":
		return slices.Sorted(maps.Keys(optimizerParams))
	case "scheduler.name":
		return slices.Sorted(maps.Keys(schedulerParams))
	case "loss.name":
		return slices.Sorted(maps.Keys(lossParams))
	case "metric.name":
		return metric.Names()
	case "augmentations.affine":
		return affines[1:]
	}
	if v, ok := lookup(key); ok && v.Kind() == reflect.Bool {
		return []string{"true", "false"}
	}
	return modelspec.Values(key)
}
