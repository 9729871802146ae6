package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// prefix begins the name of every environment variable of the project.
const prefix = "BILLING_"

// field is one value of a Config that is being read.
type field struct {
	// name is the value's name in the file, such as rocketmq.name_servers.
	name  string
	value reflect.Value
}

// variable is the value's name in the environment.
func (f field) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(f.name, ".", "_"))
}

// fieldsOf lists the values of a part, which is a pointer to a struct, in their order. name is the part's own; empty
// for the Config as a whole.
func fieldsOf(part any, name string) []field {
	var fields []field
	v := reflect.ValueOf(part).Elem()
	for i := range v.NumField() {
		member := v.Type().Field(i).Tag.Get("yaml")
		if name != "" {
			member = name + "." + member
		}
		f := field{name: member, value: v.Field(i)}
		if isSection(f.value) {
			fields = append(fields, fieldsOf(f.value.Addr().Interface(), f.name)...)
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

// isSection tells a part from a value.
func isSection(v reflect.Value) bool {
	_, isValue := v.Addr().Interface().(encoding.TextUnmarshaler)
	return v.Kind() == reflect.Struct && !isValue
}

// isList reports whether the field takes several values.
func (f field) isList() bool { return f.value.Kind() == reflect.Slice }

// isText reports whether any text is a value of the field's type.
func (f field) isText() bool { return f.value.Kind() == reflect.String }

// setList sets a field that takes several values.
func (f field) setList(values []string) { f.value.Set(reflect.ValueOf(values).Convert(f.value.Type())) }

// takesNumbers reports whether the items of a list may be written as numbers.
func (f field) takesNumbers() bool { return f.value.Type() == reflect.TypeFor[Codes]() }

// setText sets the field from its one textual form. The error says what is wanted and does not repeat the text.
func (f field) setText(text string) error {
	switch target := f.value.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return target.UnmarshalText([]byte(text))
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("must be a duration with its unit, such as 500ms or 30s")
		}
		*target = d
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("must be a whole number")
		}
		*target = n
	case *bool:
		switch text {
		case "true", "false":
			*target = text == "true"
		default:
			return errors.New("must be true or false")
		}
	default:
		if !f.isText() {
			panic(fmt.Sprintf("config: no form for the type of %s", f.name))
		}
		f.value.SetString(text)
	}
	return nil
}
