using System.Globalization;
using System.Text;

namespace RobustTrain.Dashboard.Metrics;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4: each with its help and type, all its samples together.</summary>
internal sealed class PrometheusText
{
    private readonly StringBuilder _text = new();

    /// <summary>The media type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes a metric; one without samples is left out.</summary>
    /// <param name="name">Its name, with its unit.</param>
    /// <param name="type">gauge or counter.</param>
    /// <param name="help">What it is.</param>
    /// <param name="samples">Its samples; one whose value is not known is left out.</param>
    public void Write(string name, string type, string help, IEnumerable<Sample> samples)
    {
        bool isFirst = true;
        foreach (Sample sample in samples.Where(sample => sample.Value is not null))
        {
            if (isFirst)
                _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            isFirst = false;
            _text.Append(name);
            Append(sample.Labels);
            _text.Append(' ').Append(Number(sample.Value!.Value)).Append('\n');
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Append((string Name, string? Value)[] labels)
    {
        bool isFirst = true;
        foreach ((string name, string? value) in labels.Where(label => label.Value is not null))
        {
            _text.Append(isFirst ? '{' : ',').Append(name).Append("=\"");
            isFirst = false;
            foreach (char letter in value!)
            {
                _ = letter switch
                {
                    '\\' => _text.Append(@"\\"),
                    '"' => _text.Append("\\\""),
                    '\n' => _text.Append(@"\n"),
                    _ => _text.Append(letter),
                };
            }

            _text.Append('"');
        }

        if (!isFirst)
            _text.Append('}');
    }

    private static string Number(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>A sample of a metric.</summary>
/// <param name="Value">Its value; null where it is not known.</param>
/// <param name="Labels">Its labels; those without a value are left out.</param>
internal readonly record struct Sample(double? Value, params (string Name, string? Value)[] Labels);
