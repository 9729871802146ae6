package config

import (
	"encoding"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The sources of a value.
const (
	FromDefault     = "default"
	FromFile        = "file"
	FromEnvironment = "environment"
	// FromSecretFile: from the file that the value's neighbour of the same name with _file names.
	FromSecretFile = "secret file"
)

// Value is one value of the configuration as it is in effect.
type Value struct {
	// Name is as in the file, such as rocketmq.topic.
	Name string
	// Value is what it is, in the type of its member of Config. A Secret shows nothing however it is printed.
	Value any
	// Source is FromDefault, FromFile, FromEnvironment or FromSecretFile, Place the line, the variable or the secret's file.
	Source, Place string
}

// Set says whether there is anything.
func (v Value) Set() bool {
	text, isSecret := v.Value.(Secret)
	return !isSecret || text != ""
}

// Values reads the configuration as Load does, and gives every value with its source, in the order of Config. The error
// is of type Errors: what could not be read is as it is without it.
func Values(path string, environ []string) ([]Value, error) {
	l, _, _ := read(path, environ)
	values := make([]Value, 0, len(l.fields))
	for _, f := range l.fields {
		v := Value{Name: f.name, Value: f.value.Interface(), Source: FromDefault, Place: l.places[f.name]}
		switch {
		case v.Place == "":
		case l.secretFiles[f.name]:
			v.Source = FromSecretFile
		case v.Place == f.variable():
			v.Source = FromEnvironment
		case strings.HasPrefix(v.Place, path+":"):
			v.Source = FromFile
		}
		values = append(values, v)
	}
	return values, l.errs.orNil()
}

// Text is the value as it could stand in the file, or in the environment; a secret is masked.
func (v Value) Text() string {
	switch value := v.Value.(type) {
	case Routes:
		if len(value) == 0 {
			return ""
		}
		text, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Sprintf("(%v)", err) // a list of routes can be written as it was read
		}
		return strings.TrimSpace(string(text))
	case []string:
		return strings.Join(value, ",")
	case encoding.TextMarshaler:
		text, _ := value.MarshalText() // those of this package never fail
		return string(text)
	}
	return fmt.Sprint(v.Value)
}
