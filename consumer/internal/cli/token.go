package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/apitoken"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a bearer token for the HTTP API",
		Long: `Make a bearer token for the HTTP API, and the lines for it in the file that api.tokens_file names.
The token is shown once, on standard error; the lines, on standard output, hold only its hash:

  billing-consumer token --name billing --scope usage:read,records:read >> tokens.yaml
  billing-consumer token --name alice --scope usage:read --consumer alice >> tokens.yaml

A token whose consumers are named sees the usage and records of these APISIX consumers alone. SIGHUP
lets a consumer that runs read the file again; taking lines out of it ends a token.`,
	}
	name := cmd.Flags().String("name", "", "`NAME` of who gets it, for log and audit")
	scopes := cmd.Flags().StringSlice("scope", nil, "what it allows, `SCOPES` with commas between: usage:read, records:read, dead-letters:read, dead-letters:redrive, gaps:read")
	consumers := cmd.Flags().StringArray("consumer", nil, "shows this APISIX `CONSUMER` alone; may be repeated")
	grant := &apitoken.Grant{}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if err := apitoken.CheckName(*name); err != nil {
			return tokenFlag(err)
		}
		grant.Name, grant.Consumers = *name, *consumers
		for _, s := range *scopes {
			grant.Scopes = append(grant.Scopes, apitoken.Scope(s))
		}
		return tokenFlag(apitoken.CheckScopes(grant.Scopes, *consumers != nil))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		token := apitoken.New()
		lines, err := apitoken.Entry(grant, apitoken.HashOf(token))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(cmd.OutOrStdout(), lines); err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.ErrOrStderr(), token)
		return err
	}
	return cmd
}

// tokenFlag names the flag of what is wrong with a token.
func tokenFlag(err error) error {
	wrong, ok := errors.AsType[*apitoken.FieldError](err)
	switch {
	case !ok:
		return err
	case wrong.Field == "scopes": // which says what to do and not which of them is wrong
		return fmt.Errorf("--scope must be one or more of %s", apitoken.ScopeList())
	case wrong.Field == "consumers":
		return fmt.Errorf("--consumer %s", wrong.Problem)
	}
	return fmt.Errorf("--%s %s", wrong.Field, wrong.Problem)
}
