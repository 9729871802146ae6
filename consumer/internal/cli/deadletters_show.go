package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
)

// letterView is a dead letter as show prints it.
type letterView struct {
	*deadletter.Letter
	// Incomplete says why it can't be redriven, empty when it can.
	Incomplete string `json:"incomplete,omitempty"`
	// Entry is what came, redacted; empty where it can't be read as log entries. With --raw it is as it came, RawBytes
	// (base64) where that is no text.
	Entry    string              `json:"raw,omitempty"`
	RawBytes []byte              `json:"raw_base64,omitempty"`
	Origins  []placeView         `json:"origins"`
	Audit    []deadletter.Action `json:"audit"`
}

type placeView struct {
	Topic      string    `json:"topic,omitempty"`
	MsgID      string    `json:"msg_id,omitempty"`
	Broker     string    `json:"broker,omitempty"`
	Queue      int       `json:"queue_id"`
	Offset     int64     `json:"queue_offset"`
	File       string    `json:"file,omitempty"`
	Deliveries int       `json:"deliveries"`
	First      time.Time `json:"first"`
}

func newDeadLettersShow(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one dead letter: its bytes, where it came from, what was done to it",
		Long: `Show one dead letter. Its bytes are shown without credentials, as the ledger keeps entries under the
policy redacted; what can't be read as log entries can't be redacted, so of that only length and
hash are shown. --raw shows all bytes. Only the parts mysql and body of the configuration are
needed, and nothing is changed.`,
	}
	path, output := configFlag(cmd), outputFlag(cmd)
	raw := cmd.Flags().Bool("raw", false, "show the bytes as they came, with whatever secrets they hold")
	var id int64
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.ExactArgs(1)(cmd, args); err != nil {
			return err
		}
		if id, err = letterID(args[0]); err != nil {
			return err
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadFor(cmd, *path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.MySQL, c.Body}
		})
		if err != nil {
			return err
		}
		store, err := ledger.Open(ledger.Options{DSN: cfg.MySQL.DSN.Reveal(), Connect: cfg.MySQL.Options()})
		if err != nil {
			return err
		}
		defer store.Close()
		letter, places, audit, err := store.DeadLetter(cmd.Context(), id)
		if err != nil {
			return err
		}
		view := letterView{Letter: letter, Incomplete: letter.Incomplete(), Audit: audit}
		switch {
		case !*raw:
			view.Entry = cfg.Body.Redactor().Entries(letter.Raw)
		case utf8.Valid(letter.Raw):
			view.Entry = string(letter.Raw)
		default:
			view.RawBytes = letter.Raw
		}
		for _, p := range places {
			view.Origins = append(view.Origins, placeView{
				Topic: p.Topic, MsgID: p.MsgID, Broker: p.Broker, Queue: p.Queue, Offset: p.Offset, File: p.File,
				Deliveries: p.Deliveries, First: p.First,
			})
		}
		if *output == "json" {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetEscapeHTML(false)
			return encoder.Encode(view)
		}
		return view.write(cmd.OutOrStdout(), *raw)
	}
	return cmd
}

// write writes the view for people. Nothing of it can drive a terminal.
func (v *letterView) write(w io.Writer, raw bool) error {
	l := v.Letter
	fmt.Fprintf(w, "dead letter %d: %s, %s\n", l.ID, l.Status, shown(&l.Reason))
	fmt.Fprintf(w, "detail      %s\nentry       %s\nwritten     %s\nattempts    %d\ndeliveries  %d\n", shown(&l.Detail),
		place(l.EntryIndex), l.Created.UTC().Format(time.RFC3339), l.Attempts, l.Deliveries)
	if l.Key != nil {
		fmt.Fprintf(w, "key         %s\n", l.Key)
	}
	fmt.Fprintf(w, "bytes       %d, SHA-256 %x\n", l.RawLength, l.RawSHA256)
	if v.Incomplete != "" {
		fmt.Fprintf(w, "redrive     not possible: %s\n", v.Incomplete)
	}
	for _, p := range v.Origins {
		from := fmt.Sprintf("%s %s queue %d offset %d message %s", shown(&p.Topic), shown(&p.Broker), p.Queue, p.Offset, shown(&p.MsgID))
		if p.File != "" {
			from = "file " + shown(&p.File) + " offset " + strconv.FormatInt(p.Offset, 10)
		}
		fmt.Fprintf(w, "from        %s, %d times\n", from, p.Deliveries)
	}
	for _, a := range v.Audit {
		fmt.Fprintf(w, "%s %s by %s: %s, %s\n", a.Time.UTC().Format(time.RFC3339), a.Action, shown(&a.Actor), a.Outcome, shown(&a.Detail))
	}
	switch {
	case v.Entry != "":
		_, err := fmt.Fprintf(w, "\n%s\n", shown(&v.Entry))
		return err
	case raw:
		_, err := fmt.Fprintf(w, "\n%s\n", strconv.QuoteToASCII(string(v.RawBytes)))
		return err
	}
	_, err := fmt.Fprintln(w, "\nIts bytes can't be read as log entries, so they can't be shown without secrets: see --raw.")
	return err
}
