using System.Globalization;
using System.Text;
using FsCheck.Xunit;
using RobustTrain.Monitoring.Sources.Proc;

namespace RobustTrain.Tests.Monitoring;

public sealed class ProcTextTests
{
    [Property]
    public bool A_whole_number_is_read_as_the_library_reads_it(ulong number) =>
        ProcText.Whole(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture))) == number;

    [Property]
    public bool A_decimal_number_is_read_as_the_library_reads_it(uint whole, ushort part)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{whole}.{part % 100:00}");
        return ProcText.Decimal(Encoding.UTF8.GetBytes(text)) == double.Parse(text, CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("")]
    [InlineData("max")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("18446744073709551616")]
    public void What_is_no_whole_number_is_null(string word) => Assert.Null(ProcText.Whole(Encoding.UTF8.GetBytes(word)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("1.2.3")]
    [InlineData("-0.5")]
    [InlineData("nan")]
    [InlineData("99999999999999999999")]
    public void What_is_no_decimal_number_is_null(string word) => Assert.Null(ProcText.Decimal(Encoding.UTF8.GetBytes(word)));

    [Property]
    public bool Words_are_what_lies_between_blanks(string text)
    {
        string line = (text ?? "").Replace("\n", "", StringComparison.Ordinal);
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(line);
        byte[] bytes = rest.ToArray();
        var words = new List<string>();
        while (ProcText.NextWord(ref rest) is { IsEmpty: false } word)
            words.Add(Encoding.UTF8.GetString(word));

        return words.SequenceEqual(Encoding.UTF8.GetString(bytes).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Lines_are_told_one_by_one_the_last_without_its_end_too()
    {
        ReadOnlySpan<byte> text = "a\n\nb"u8;
        var lines = new List<string>();
        while (ProcText.NextLine(ref text, out ReadOnlySpan<byte> line))
            lines.Add(Encoding.UTF8.GetString(line));

        Assert.Equal(["a", "", "b"], lines);
    }
}
