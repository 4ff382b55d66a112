using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace RobustTrain.Reports.Documents;

/// <summary>A piece of a page. What is put into one is escaped, unless it is such a piece itself: nothing has to be remembered.</summary>
/// <param name="Text">The markup.</param>
public readonly record struct Html(string Text)
{
    /// <summary>A piece from a template.</summary>
    public static Html Of(HtmlTemplate template) => new(template.ToString());

    /// <summary>A text as markup shows it; letters that no page may have become a box.</summary>
    public static string Escape(string text)
    {
        StringBuilder clean = new(text.Length);
        foreach (char letter in text)
            clean.Append(char.IsControl(letter) && letter is not ('\n' or '\r' or '\t') ? '\ufffd' : letter);
        return WebUtility.HtmlEncode(clean.ToString());
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>Markup with places in it.</summary>
[InterpolatedStringHandler]
public readonly struct HtmlTemplate
{
    private readonly StringBuilder _text;

    /// <summary>Begins one.</summary>
    public HtmlTemplate(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (16 * formattedCount));

    /// <summary>Markup.</summary>
    public void AppendLiteral(string markup) => _text.Append(markup);

    /// <summary>A piece of a page.</summary>
    public void AppendFormatted(Html piece) => _text.Append(piece.Text);

    /// <summary>Pieces of a page.</summary>
    public void AppendFormatted(IEnumerable<Html> pieces) => _text.AppendJoin("", pieces);

    /// <summary>A text, or what becomes one.</summary>
    public void AppendFormatted<T>(T value, string? format = null) =>
        _text.Append(Html.Escape((value as IFormattable)?.ToString(format, CultureInfo.InvariantCulture) ?? value?.ToString() ?? ""));

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
