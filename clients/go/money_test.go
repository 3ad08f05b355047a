package client_test

import (
	"regexp"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	"nationalsite.internal/client"
)

func TestMoneyIsExact(t *testing.T) {
	for text, amount := range map[string]*money.Money{
		"29.00":                         {Units: 29},
		"27.26":                         {Units: 27, Nanos: 260_000_000},
		"0.005":                         {Nanos: 5_000_000},
		"-0.000000001":                  {Nanos: -1},
		"-1.75":                         {Units: -1, Nanos: -750_000_000},
		"9223372036854775807.999999999": {Units: 1<<63 - 1, Nanos: 999_999_999},
		"-9223372036854775808.00":       {Units: -1 << 63},
	} {
		amount.CurrencyCode = "CNY"
		if got := client.FormatMoney(amount); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		if got, err := client.ParseMoney(text, "CNY"); err != nil || !proto.Equal(got, amount) {
			t.Errorf("got %v (%v), want %v", got, err, amount)
		}
	}
	for _, invalid := range []string{"", "-", ".5", "1.", "1e3", "1,5", "0.0000000001", "9223372036854775808", "1/3", "+1"} {
		if got, err := client.ParseMoney(invalid, "CNY"); err == nil {
			t.Errorf("got %v for %q, want an error", got, invalid)
		}
	}
	if got := client.FormatMoney(nil); got != "0.00" {
		t.Error(got)
	}
}

func TestRequestIDsAreUUIDs(t *testing.T) {
	pattern := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	first, second := client.NewRequestID(), client.NewRequestID()
	if !pattern.MatchString(first) || first == second {
		t.Error(first, second)
	}
}
