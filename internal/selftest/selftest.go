// Package selftest checks the tests by which programs try their SIMD routines at the
// start.
//
//	selftest.FindsEachWrongRoutine(t, Trouble(), Sets(), Scalar, selfTest)
package selftest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// FindsEachWrongRoutine replaces each routine of each set, in turn, by one that does
// nothing. Sets are structs with a Name; their routines are the fields that are
// functions. It reports the routines that try does not name in its error, errors for the
// sets themselves, and trouble.
func FindsEachWrongRoutine[S any](t *testing.T, trouble error, sets []*S, scalar *S, try func(*emit.Trial[*S])) {
	if trouble != nil {
		t.Error(trouble)
	}
	for _, set := range sets {
		if set == scalar {
			continue
		}
		name := reflect.ValueOf(set).Elem().FieldByName("Name").String()
		t.Run(name, func(t *testing.T) {
			findsEach(t, set, func(wrong *S) error { return emit.Test(name, wrong, scalar, try) })
		})
	}
}

func findsEach[S any](t *testing.T, set *S, test func(wrong *S) error) {
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
