package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/doctor"
	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Where the key of an Admin API is read: never on the command line, which everybody may read.
const (
	envAdminKey     = "APISIX_ADMIN_KEY"
	envAdminKeyFile = "APISIX_ADMIN_KEY_FILE"
)

func newDoctor(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what in an APISIX configuration loses or doubles money",
		Long: `Read the configuration of a gateway, and report what in it loses requests before they reach the
broker, doubles them, or lets them be billed to nobody, each with what it may cost and its cure.
Nothing is changed, and no consumer configuration is needed.

The configuration comes from a standalone apisix.yaml (or the same as JSON), or from a live Admin
API, whose key is read from ` + envAdminKey + ` or from the file that
` + envAdminKeyFile + ` names. With --name-servers the topics of the loggers are looked for as
well, and with --sample it is judged what became of messages that the gateway wrote (inspect --last
does so for live ones).

The exit code is 1 where there is an error. --list prints all that may be found.`,
		Args: cobra.NoArgs,
	}
	file := cmd.Flags().String("apisix-yaml", "", "`FILE` of a standalone configuration, - for standard input")
	admin := cmd.Flags().String("admin-url", "", "`URL` of an Admin API, such as http://127.0.0.1:9180")
	nameServers := cmd.Flags().StringSlice("name-servers", nil, "`HOST:PORT` of name servers, separated by commas")
	samples := cmd.Flags().StringSlice("sample", nil, "`FILE` with the body of a message; may be repeated")
	output := cmd.Flags().String("output", "table", "`FORM`: table, or json (one finding a line)")
	list := cmd.Flags().Bool("list", false, "print the kinds of findings, and look at nothing")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		switch {
		case *output != "table" && *output != "json":
			return errors.New("--output must be table or json")
		case !*list && (*file == "") == (*admin == ""):
			return errors.New("needs --apisix-yaml or --admin-url, one of them")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *list {
			return listCodes(cmd.OutOrStdout())
		}
		site, err := readSite(cmd, environ, *file, *admin)
		if err != nil {
			return err
		}
		findings := doctor.Examine(site)
		if len(*nameServers) > 0 {
			cfg, _, err := config.Load("", environ, func(*config.Config) []config.Validator { return nil })
			if err != nil {
				return err
			}
			brokers := doctor.Brokers{NameServers: *nameServers, Credentials: remoting.Credentials{
				AccessKey: cfg.RocketMQ.AccessKey.Reveal(), SecretKey: cfg.RocketMQ.SecretKey.Reveal(), SecurityToken: cfg.RocketMQ.SecurityToken.Reveal(),
			}}
			findings = append(findings, brokers.Topics(cmd.Context(), site)...)
		}
		if len(*samples) > 0 {
			found, err := sampleFindings(cmd, environ, *samples)
			if err != nil {
				return err
			}
			findings = append(findings, found...)
		}
		if *output == "json" {
			err = findingLines(cmd.OutOrStdout(), findings)
		} else {
			err = findingTable(cmd.OutOrStdout(), findings)
		}
		if err != nil {
			return err
		}
		errs := 0
		for _, f := range findings {
			if f.Severity == doctor.Error {
				errs++
			}
		}
		if errs > 0 {
			return fmt.Errorf("%d errors: as it stands, this configuration loses or doubles money", errs)
		}
		return nil
	}
	return cmd
}

// readSite reads the configuration from where the command line says.
func readSite(cmd *cobra.Command, environ []string, file, admin string) (*doctor.Site, error) {
	if admin != "" {
		key := lookup(environ, envAdminKey)
		if path := lookup(environ, envAdminKeyFile); key == "" && path != "" {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", envAdminKeyFile, err)
			}
			key = strings.TrimSpace(string(text))
		}
		return doctor.Admin{URL: admin, Key: key}.Read(cmd.Context())
	}
	from := cmd.InOrStdin()
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		from = opened
	}
	site, err := doctor.Read(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return site, nil
}

// sampleFindings judges the messages of files, with the stamp keys that the environment names.
func sampleFindings(cmd *cobra.Command, environ, files []string) ([]doctor.Finding, error) {
	_, deriver, err := loadDeriver(cmd, environ, "", func(*config.Config) []config.Validator { return nil })
	if err != nil {
		return nil, err
	}
	sums := inspect.NewSummary()
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sums.Add(deriver, body)
	}
	return doctor.Sample(sums), nil
}

// lookup is a variable of environ, the last of its name; empty without one.
func lookup(environ []string, name string) (value string) {
	for _, item := range environ {
		if rest, ok := strings.CutPrefix(item, name+"="); ok {
			value = rest
		}
	}
	return value
}

func findingLines(w io.Writer, findings []doctor.Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, f := range findings {
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// findingTable prints the findings of one kind together: they have one risk and one cure.
func findingTable(w io.Writer, findings []doctor.Finding) error {
	before := ""
	for _, f := range findings {
		if f.Code != before {
			fmt.Fprintf(w, "%-8s %s\n  risk: %s\n  cure: %s\n", strings.ToUpper(string(f.Severity)), f.Code, f.Risk, f.Cure)
			before = f.Code
		}
		fmt.Fprintf(w, "  - %s: %s\n", f.Object, f.Reason)
	}
	if len(findings) == 0 {
		fmt.Fprintln(w, "no problems found: the configuration is as billing needs it")
	}
	return nil
}

func listCodes(w io.Writer) error {
	for _, c := range doctor.Codes() {
		fmt.Fprintf(w, "%-8s %s\n  risk: %s\n  cure: %s\n", c.Severity, c.Code, c.Risk, c.Cure)
	}
	return nil
}
