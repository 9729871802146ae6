package quietlog

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestFailuresAreLoggedOnceAWhileWithTheirNumber(t *testing.T) {
	var log bytes.Buffer
	now := time.Now()
	line := New(zerolog.New(&log), func() time.Time { return now })
	for range 5 {
		line.Error(errors.New("closed"), "not stamped")
	}
	now = now.Add(quietFor)
	line.Error(errors.New("closed"), "not stamped")
	want := `{"level":"error","error":"closed","kept_back":0,"message":"not stamped"}` + "\n" +
		`{"level":"error","error":"closed","kept_back":4,"message":"not stamped"}` + "\n"
	if log.String() != want {
		t.Errorf("log\n%swant\n%s", log.String(), want)
	}
}
