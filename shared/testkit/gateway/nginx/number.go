package nginx

import "strconv"

// FormatNumber prints a number as Lua and its JSON encoder do: at most 14 significant digits, no trailing zeros. The
// noise of binary fractions shows (400.00002288818), whole numbers stay whole.
func FormatNumber(v float64) string { return strconv.FormatFloat(v, 'g', 14, 64) }
