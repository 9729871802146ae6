package remoting

import (
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	code, body := codeSuccess, "brokerName=b\r\nfileReservedTime=72\ndeleteWhen=04\n"
	c := serve(t, func(header) (header, string) { return header{Code: code}, body })
	if keeps, err := c.Retention(t.Context()); keeps != 72*time.Hour || err != nil {
		t.Errorf("got %v, %v", keeps, err)
	}
	for _, body = range []string{"", "fileReservedTime=soon\n", "fileReservedTime=-1\n"} {
		if keeps, err := c.Retention(t.Context()); err == nil {
			t.Errorf("%q is read as %v", body, keeps)
		}
	}
	code = codeNoPermission
	if _, err := c.Retention(t.Context()); !Denied(err) {
		t.Errorf("refused: %v", err)
	}
}
