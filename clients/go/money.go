package client

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/type/money"
)

const (
	nanosDigits       = 9
	minFractionDigits = 2
)

var amountPattern = regexp.MustCompile(`^(-?)(\d+)(?:\.(\d{1,9}))?$`)

// FormatMoney returns an amount as an exact decimal number, in units of its currency: yuan for CNY. It has two
// decimals, and more only if they are needed: 29.00, 27.26, 0.005.
func FormatMoney(amount *money.Money) string {
	nanos := big.NewInt(amount.GetUnits())
	nanos.Mul(nanos, big.NewInt(1e9)).Add(nanos, big.NewInt(int64(amount.GetNanos())))
	text := new(big.Rat).SetFrac(nanos, big.NewInt(1e9)).FloatString(nanosDigits)
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + fraction[:minFractionDigits] + strings.TrimRight(fraction[minFractionDigits:], "0")
}

// ParseMoney parses a decimal number, in units of the currency. It has at most nine decimals, and its units fit in
// an int64.
func ParseMoney(amount, currencyCode string) (*money.Money, error) {
	parts := amountPattern.FindStringSubmatch(amount)
	if parts == nil {
		return nil, fmt.Errorf("client: invalid amount of money: %q", amount)
	}
	sign, whole, fraction := parts[1], parts[2], parts[3]
	units, err := strconv.ParseInt(sign+whole, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("client: invalid amount of money: %w", err)
	}
	nanos, err := strconv.ParseInt(sign+fraction+strings.Repeat("0", nanosDigits-len(fraction)), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("client: invalid amount of money: %w", err)
	}
	return &money.Money{CurrencyCode: currencyCode, Units: units, Nanos: int32(nanos)}, nil
}
