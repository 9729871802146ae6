package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileSuffix ends the name of a value that names the file in which the secret of the same name lies.
const fileSuffix = "_file"

// readSecretFiles sets the secrets that lie in files of their own. Stamp keys are not among them: they are a list with a
// form of its own, and are read again while the consumer runs.
func (l *loader) readSecretFiles() {
	for _, f := range l.fields {
		name, isFile := strings.CutSuffix(f.name, fileSuffix)
		secret, known := l.find(name)
		if !isFile || !known || name == "stamp.keys" || f.value.String() == "" {
			continue
		}
		place := l.places[f.name]
		if secret.value.String() != "" {
			l.fail(place, f.name, fmt.Sprintf("is given beside %s (%s): keep one", name, l.places[name]))
			continue
		}
		path := f.value.String()
		text, err := readSecret(path)
		if err != nil {
			l.fail(place, f.name, err.Error())
			continue
		}
		secret.value.SetString(text)
		l.places[name], l.secretFiles[name] = path, true
	}
}

// readSecret reads the file of a secret, without the line break at its end. The error names the path, but for one that is
// not absolute: someone may have put the secret itself in its place.
func readSecret(path string) (string, error) {
	shown := "the file that it names"
	if filepath.IsAbs(path) {
		shown = path
	}
	content, err := os.ReadFile(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return "", fmt.Errorf("%s can't be read: %w", shown, err)
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return "", fmt.Errorf("%s is empty", shown)
	}
	return text, nil
}
