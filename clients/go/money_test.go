package client_test

import (
	"regexp"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	"nationalsite.internal/client"
)

func TestSharedMoneyTexts(t *testing.T) {
	var cases struct {
		Amounts []struct {
			Units      int64 `json:",string"`
			Nanos      int32
			Text       string
			OtherTexts []string `json:"other_texts"`
		}
		InvalidTexts []string `json:"invalid_texts"`
	}
	readCases(t, "money_texts.json", &cases)
	for _, test := range cases.Amounts {
		amount := &money.Money{CurrencyCode: "CNY", Units: test.Units, Nanos: test.Nanos}
		if got := client.FormatMoney(amount); got != test.Text {
			t.Errorf("got %s, want %s", got, test.Text)
		}
		for _, text := range append(test.OtherTexts, test.Text) {
			if got, err := client.ParseMoney(text, "CNY"); err != nil || !proto.Equal(got, amount) {
				t.Errorf("got %v (%v), want %v", got, err, amount)
			}
		}
	}
	for _, invalid := range append(cases.InvalidTexts, ".5", "1.", "1e3", "+1") {
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
