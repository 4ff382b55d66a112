using System.Text;

namespace RobustTrain.Reports.Documents;

/// <summary>Markdown whose texts are shown as they are, in GitHub's dialect too.</summary>
internal sealed class Markdown
{
    private const string Special = "\\`*_{}[]<>()#+-.!|~&$@:";

    private readonly StringBuilder _text = new();

    /// <summary>A text without any meaning: what would be markup is escaped, on one line.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        string line = text.ReplaceLineEndings(" ");
        for (int place = 0; place < line.Length; place++)
        {
            char letter = line[place];
            if (char.IsControl(letter))
                continue;
            if (letter is '<' or '>' or '&')
                escaped.Append(letter switch { '<' => "&lt;", '>' => "&gt;", _ => "&amp;" });
            else
                escaped.Append(NeedsEscape(letter) && !(letter == '_' && IsInWord(line, place)) ? "\\" : "").Append(letter);
        }

        return escaped.ToString();
    }

    /// <summary>A heading.</summary>
    public Markdown Heading(int level, string text) => Line($"{new string('#', level)} {Escape(text)}").Line();

    /// <summary>A paragraph.</summary>
    public Markdown Paragraph(string text) => Line(Escape(text)).Line();

    /// <summary>A table; nothing where it has no rows.</summary>
    public Markdown Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows)
    {
        string[] lines = [.. rows.Select(row => $"| {string.Join(" | ", row.Select(Escape))} |")];
        if (lines.Length == 0)
            return this;
        Line($"| {string.Join(" | ", heads.Select(Escape))} |").Line($"|{string.Concat(heads.Select(_ => " --- |"))}");
        foreach (string line in lines)
            Line(line);
        return Line();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{_text.ToString().TrimEnd('\n')}\n";

    private Markdown Line(string text = "")
    {
        _text.Append(text).Append('\n');
        return this;
    }

    // There GitHub's dialect takes no underscore for emphasis.
    private static bool IsInWord(string line, int place) => place > 0 && place + 1 < line.Length && char.IsLetterOrDigit(line[place - 1]) && char.IsLetterOrDigit(line[place + 1]);

    // Points, hyphens and the like mean something at the beginning of a line only, where no text of ours begins with them.
    private static bool NeedsEscape(char letter) => Special.Contains(letter, StringComparison.Ordinal) && letter is not ('.' or '-' or '+' or '(' or ')' or '!' or ':' or '#' or '&' or '<' or '>' or '{' or '}');
}
