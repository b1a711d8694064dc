package simd

import (
	"reflect"
	"strings"
	"testing"
)

func TestTheSelfTestPassesTheSetsOfThisCPU(t *testing.T) {
	for _, s := range Sets() {
		if err := s.selfTest(); err != nil {
			t.Error(err)
		}
	}
	if err := Trouble(); err != nil {
		t.Error(err)
	}
}

// A routine that does nothing, in the place of each routine, is found and named.
func TestTheSelfTestFindsEachWrongRoutine(t *testing.T) {
	for _, s := range Sets() {
		fields := reflect.TypeFor[Set]()
		for i := range fields.NumField() {
			f := fields.Field(i)
			if f.Type.Kind() != reflect.Func {
				continue
			}
			wrong := *s
			nothing := reflect.MakeFunc(f.Type, func([]reflect.Value) []reflect.Value { return nil })
			reflect.ValueOf(&wrong).Elem().Field(i).Set(nothing)
			if s.Panel == Lanes && f.Name == "HalfGEMM" {
				continue // GEMM serves
			}
			err := wrong.selfTest()
			name := strings.NewReplacer("HalfGEMM", "GEMM", "ToWinograd", "Winograd", "FromWinograd", "Winograd").Replace(f.Name)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("a wrong %s of %s: %v", f.Name, s.Name, err)
			}
		}
	}
}
