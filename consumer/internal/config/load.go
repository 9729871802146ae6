package config

import (
	"maps"
	"slices"
	"strings"
)

// Load reads the configuration: the defaults, then the YAML file at path ("" for none), then the environment (in the
// form of os.Environ), each over the one before. What need picks of the result is validated: a command that migrates a
// database can do without a topic. The form of what is given is checked in any case.
//
// The error is of type Errors and holds everything that is wrong. The warnings name environment variables that begin
// with BILLING_ and mean nothing to anyone: orchestrators put variables of their own beside ours, so these are not
// errors.
func Load(path string, environ []string, need func(*Config) []Validator) (cfg Config, warnings []string, err error) {
	l, warnings, readable := read(path, environ)
	if !readable {
		return *l.cfg, nil, l.errs
	}
	for _, part := range need(l.cfg) {
		l.validate(part)
	}
	return *l.cfg, warnings, l.errs.orNil()
}

// read reads all sources. It reports whether the file was one that can be read.
func read(path string, environ []string) (l *loader, warnings []string, readable bool) {
	cfg := Default()
	l = &loader{cfg: &cfg, path: path, fields: fieldsOf(&cfg, ""), places: map[string]string{}, secretFiles: map[string]bool{}}
	if path != "" && !l.readFile(path) {
		return l, nil, false
	}
	warnings = l.readEnviron(environ)
	l.readSecretFiles()
	return l, warnings, true
}

// loader is one reading of the configuration.
type loader struct {
	cfg    *Config
	fields []field
	// path is the file, empty without one.
	path string
	// places says where each field was read last.
	places map[string]string
	// secretFiles are the fields that were read from a secret's file; places names the file.
	secretFiles map[string]bool
	errs        Errors
}

// required is how the problem of a value begins that must be given and is not.
const required = "is required"

// fail notes a problem of a value at a place.
func (l *loader) fail(place, name, problem string) {
	l.errs = append(l.errs, &FieldError{Place: place, Field: name, Problem: problem})
}

// find gives the field of that name.
func (l *loader) find(name string) (field, bool) {
	i := slices.IndexFunc(l.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return l.fields[i], true
}

// readEnviron sets the fields whose variables are set to something.
func (l *loader) readEnviron(environ []string) (warnings []string) {
	byVariable := make(map[string]field, len(l.fields))
	for _, f := range l.fields {
		byVariable[f.variable()] = f
	}
	for _, item := range environ {
		variable, text, _ := strings.Cut(item, "=")
		if !strings.HasPrefix(variable, prefix) {
			continue
		}
		f, known := byVariable[variable]
		switch {
		case !known && !isOthers(variable):
			warnings = append(warnings, variable+": no such setting, it has no effect")
		case known && text != "":
			l.readVariable(variable, f, text)
		}
	}
	slices.Sort(warnings)
	return warnings
}

// readVariable sets one field. What was wrong with the file's value matters no more.
func (l *loader) readVariable(variable string, f field, text string) {
	maps.DeleteFunc(l.places, func(name, _ string) bool { return isIn(name, f.name) })
	l.places[f.name] = variable
	l.errs = slices.DeleteFunc(l.errs, func(e *FieldError) bool { return isIn(e.Field, f.name) })
	if f.isSections() {
		l.readSectionsVariable(variable, f, text)
		return
	}
	if f.isList() {
		f.setList(splitList(text))
		return
	}
	if err := f.setText(text); err != nil {
		l.fail(variable, f.name, err.Error())
	}
}

// validate checks a part. What could not be read, in whole or in part, has its error already.
func (l *loader) validate(part Validator) {
	unreadable := slices.Clone(l.errs)
	for _, e := range errorsOf(part) {
		if !slices.ContainsFunc(unreadable, func(known *FieldError) bool {
			return isIn(known.Field, e.Field) || isIn(e.Field, known.Field) || known.Field == e.Field+fileSuffix
		}) {
			e.Place = l.placeOf(e.Field)
			if l.path == "" && e.Place == "" && strings.HasPrefix(e.Problem, required) && !strings.HasPrefix(e.Problem, required+" beside") {
				e.Problem += " (no --config was given)" // which is why, more often than not
			}
			l.errs = append(l.errs, e)
		}
	}
}

// splitList parts a list at its commas. Empty items stay, for the validation to name.
func splitList(text string) []string {
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// isOthers knows the variables that begin as ours and are read elsewhere: by the runner and by the tests.
func isOthers(variable string) bool {
	return strings.HasPrefix(variable, prefix+"RUNNER_") || strings.HasPrefix(variable, prefix+"TEST_")
}
