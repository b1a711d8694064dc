package simd

import (
	"sync"
)

// routines holds generated routines by their forms.
type routines[F comparable] struct {
	mu   sync.RWMutex
	code map[F]any
}

// generated returns the routine of a form, which it generates if it is new. It panics
// if that fails: the set has been tested with routines of the same kind.
func generated[F comparable, T any](r *routines[F], form F, generate func() (func(*T), error)) func(*T) {
	r.mu.RLock()
	code, ok := r.code[form]
	r.mu.RUnlock()
	if !ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		if code, ok = r.code[form]; !ok {
			made, err := generate()
			if err != nil {
				panic("simd: internal error: " + err.Error())
			}
			if r.code == nil {
				r.code = map[F]any{}
			}
			code = made
			r.code[form] = code
		}
	}
	return code.(func(*T))
}
