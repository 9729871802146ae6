package config

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const reference = "../../CONFIG.md"

// CONFIG.md says of each value what the code says. UPDATE_REFERENCE=1 writes it anew.
func TestReference(t *testing.T) {
	made := makeReference(t)
	if os.Getenv("UPDATE_REFERENCE") != "" {
		if err := os.WriteFile(reference, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stands, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stands, made) {
		t.Errorf("%s is not what the code says: UPDATE_REFERENCE=1 go test ./consumer/internal/config -run Reference", reference)
	}
}

// docs are the comments of the parts' members, by type and member.
func docs(t *testing.T) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, name := range []string{"config.go", "route.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if part, ok := spec.Type.(*ast.StructType); ok {
				all[spec.Name.Name] = map[string]string{}
				for _, member := range part.Fields.List {
					for _, name := range member.Names {
						all[spec.Name.Name][name.Name] = strings.Join(strings.Fields(member.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return all
}

func makeReference(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(`# Configuration of billing-consumer

Every value, as the code has it; a test keeps this page so. A value comes from the file that ` + "`--config`" + ` names, or from the
environment, which overrides it: ` + "`rocketmq.topic`" + ` is ` + "`BILLING_ROCKETMQ_TOPIC`" + `, with commas between the items of a list.
Secrets are best left to files (` + "`..._file`" + `). ` + "`billing-consumer config print`" + ` shows what is in effect, ` + "`check`" + ` whether it can work.

A duration is written as ` + "`500ms`, `30s` or `24h`" + `, an age in days too (` + "`30d`" + `), or ` + "`never`" + `. A file's name that is relative
is so to the working directory.

SIGHUP reads the stamp keys' file again; the files of the database's password and of client certificates are read for each new
connection. Everything else takes a restart.
`)
	cfg := Default()
	comments := docs(t)
	top := reflect.ValueOf(&cfg).Elem()
	var alone bytes.Buffer
	for i := range top.NumField() {
		member := top.Type().Field(i)
		name := member.Tag.Get("yaml")
		switch {
		case member.Type == reflect.TypeFor[Routes]():
			fmt.Fprintf(&out, "\n## routes\n\n%s A list; `BILLING_ROUTES` takes it as YAML.\n\n| value | meaning |\n|---|---|\n", comments["Config"][member.Name])
			rows(&out, comments, reflect.ValueOf(Route{}), "", false)
		case member.Type.Kind() == reflect.Struct:
			fmt.Fprintf(&out, "\n## %s\n\n%s\n\n| value | default | meaning |\n|---|---|---|\n", name, sentence(comments["Config"][member.Name], member.Name))
			rows(&out, comments, top.Field(i), name+".", true)
		default:
			row(&alone, comments["Config"], top, i, "", true)
		}
	}
	fmt.Fprintf(&out, "\n## the process\n\n| value | default | meaning |\n|---|---|---|\n%s", alone.String())
	return out.Bytes()
}

func rows(out *bytes.Buffer, comments map[string]map[string]string, part reflect.Value, prefix string, defaults bool) {
	for i := range part.NumField() {
		member := part.Type().Field(i)
		inner := member.Type
		list := ""
		if inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct {
			inner, list = inner.Elem(), "[]"
		}
		if _, isPart := comments[inner.Name()]; isPart && inner.PkgPath() == part.Type().PkgPath() {
			value := reflect.Zero(inner)
			if list == "" {
				value = part.Field(i)
			}
			rows(out, comments, value, prefix+member.Tag.Get("yaml")+list+".", defaults)
			continue
		}
		row(out, comments[part.Type().Name()], part, i, prefix, defaults)
	}
}

func row(out *bytes.Buffer, comments map[string]string, part reflect.Value, i int, prefix string, defaults bool) {
	member := part.Type().Field(i)
	text := sentence(comments[member.Name], member.Name)
	for j := range part.NumField() { // the members' names are Go's in the comments
		other := part.Type().Field(j)
		if other.Name == strings.ToUpper(other.Name) {
			continue // DSN and DLQ are words as well
		}
		text = regexp.MustCompile(`\b`+other.Name+`\b`).ReplaceAllString(text, "`"+other.Tag.Get("yaml")+"`")
	}
	text = strings.NewReplacer("|", `\|`, "``", "`").Replace(text)
	if !defaults {
		fmt.Fprintf(out, "| `%s%s` | %s |\n", prefix, member.Tag.Get("yaml"), text)
		return
	}
	value := Value{Value: part.Field(i).Interface()}.Text()
	if value != "" {
		value = "`" + value + "`"
	}
	fmt.Fprintf(out, "| `%s%s` | %s | %s |\n", prefix, member.Tag.Get("yaml"), value, text)
}

// sentence is a comment without the member's name at its beginning.
func sentence(comment, name string) string {
	rest := comment
	for _, lead := range []string{" is ", " are ", " says "} {
		if after, ok := strings.CutPrefix(comment, name+lead); ok {
			rest = after
			if lead == " says " {
				rest = "says " + after
			}
			break
		}
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}
