// Package selftest checks the tests by which programs try their SIMD routines at the
// start.
//
//	selftest.FindsEachWrongRoutine(t, set, func(wrong *Set) error {
//		return emit.Test(wrong.Name, wrong, Scalar, try)
//	})
package selftest

import (
	"reflect"
	"strings"
	"testing"
)

// FindsEachWrongRoutine replaces each routine of a set, in turn, by one that does
// nothing. The routines are the fields of S that are functions. It reports the routines
// that test does not name in its error, and an error for the set itself.
func FindsEachWrongRoutine[S any](t *testing.T, set *S, test func(wrong *S) error) {
	t.Helper()
	if err := test(set); err != nil {
		t.Error(err)
	}
	fields := reflect.TypeFor[S]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Type.Kind() != reflect.Func {
			continue
		}
		wrong := *set
		nothing := reflect.MakeFunc(f.Type, func([]reflect.Value) (results []reflect.Value) {
			for i := range f.Type.NumOut() {
				results = append(results, reflect.Zero(f.Type.Out(i)))
			}
			return results
		})
		reflect.ValueOf(&wrong).Elem().Field(i).Set(nothing)
		if err := test(&wrong); err == nil || !strings.Contains(err.Error(), "routine "+f.Name+" ") {
			t.Errorf("a wrong %s: %v", f.Name, err)
		}
	}
}
