package templates

import (
	"fmt"
	"math"
	"reflect"

	"github.com/dave/jennifer/jen"
)

// valueOf returns v as a Go expression. It handles numbers, strings, slices, arrays,
// structs and pointers to structs, and omits zero fields. It refuses maps, which have no
// order, and functions and NaN, which have no literal.
func valueOf(v any) (*jen.Statement, error) { return literal(reflect.ValueOf(v)) }

func literal(v reflect.Value) (*jen.Statement, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return jen.Nil(), nil
		}
		inner, err := literal(v.Elem())
		return jen.Op("&").Add(inner), err
	case reflect.Struct:
		return structLiteral(v)
	case reflect.Slice, reflect.Array:
		return listLiteral(v)
	default:
		return basicLiteral(v)
	}
}

func structLiteral(v reflect.Value) (*jen.Statement, error) {
	return structFields(v, typeOf(v.Type()))
}

// structFields appends the fields of v in braces to before.
func structFields(v reflect.Value, before *jen.Statement) (*jen.Statement, error) {
	var fields []jen.Code
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).IsZero() {
			continue
		}
		if !f.IsExported() {
			return nil, fmt.Errorf("%s has the unexported field %s", v.Type(), f.Name)
		}
		value, err := literal(v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		fields = append(fields, jen.Line().Id(f.Name).Op(":").Add(value))
	}
	if len(fields) > 0 {
		fields = append(fields, jen.Line())
	}
	return before.Values(fields...), nil
}

func listLiteral(v reflect.Value) (*jen.Statement, error) {
	var items []jen.Code
	for i := range v.Len() {
		var item *jen.Statement
		var err error
		if v.Type().Elem().Kind() == reflect.Struct {
			// The list's type implies the type of its elements.
			item, err = structFields(v.Index(i), jen.Line())
		} else if item, err = literal(v.Index(i)); composite(v.Type().Elem()) {
			item = jen.Line().Add(item)
		}
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if composite(v.Type().Elem()) && len(items) > 0 {
		items = append(items, jen.Line())
	}
	return typeOf(v.Type()).Values(items...), nil
}

// composite reports whether values of type t each get a line of their own.
func composite(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Array, reflect.Pointer:
		return true
	}
	return false
}

func basicLiteral(v reflect.Value) (*jen.Statement, error) {
	var lit *jen.Statement
	switch v.Kind() {
	case reflect.String:
		lit = jen.Lit(v.String())
	case reflect.Bool:
		lit = jen.Lit(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		lit = jen.Lit(int(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		lit = jen.Op(fmt.Sprint(v.Uint()))
	case reflect.Float32, reflect.Float64:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%v is not a number that Go can spell", x)
		}
		// The shortest decimal that reads back as the same bits.
		lit = jen.Lit(v.Float())
		if v.Kind() == reflect.Float32 {
			lit = jen.Op(fmt.Sprint(float32(v.Float())))
		}
	default:
		return nil, fmt.Errorf("a %s has no literal", v.Type())
	}
	return lit, nil
}

func typeOf(t reflect.Type) *jen.Statement {
	switch {
	case t.Name() != "" && t.PkgPath() != "":
		return jen.Qual(t.PkgPath(), t.Name())
	case t.Kind() == reflect.Slice:
		return jen.Index().Add(typeOf(t.Elem()))
	case t.Kind() == reflect.Array:
		return jen.Index(jen.Lit(t.Len())).Add(typeOf(t.Elem()))
	case t.Kind() == reflect.Pointer:
		return jen.Op("*").Add(typeOf(t.Elem()))
	default:
		return jen.Id(t.String())
	}
}
