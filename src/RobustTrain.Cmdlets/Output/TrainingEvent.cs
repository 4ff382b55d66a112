using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using System.Text.Json.Serialization;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One line of a run's journal; what an event of its kind tells beside this stands in further properties.</summary>
public sealed record TrainingEvent
{
    private static readonly Dictionary<Type, string> s_kinds = typeof(RunEvent).GetCustomAttributes<JsonDerivedTypeAttribute>()
        .ToDictionary(derived => derived.DerivedType, derived => (string)derived.TypeDiscriminator!);

    /// <summary>When it happened, local time.</summary>
    public required DateTime Time { get; init; }

    /// <summary>What happened, as the journal calls it: step, epoch_finished, warning and so on.</summary>
    public required string Kind { get; init; }

    /// <summary>What the event tells, in one line.</summary>
    public required string Text { get; init; }

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>The kinds that there are.</summary>
    internal static IReadOnlyCollection<string> Kinds => s_kinds.Values;

    internal static string KindOf(RunEvent happened) => s_kinds[happened.GetType()];

    internal static PSObject From(RunEvent happened, string runPath)
    {
        PropertyInfo[] own = [.. happened.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.Name is not ("Time" or "EqualityContract"))];
        PSObject wrapped = PSObject.AsPSObject(new TrainingEvent
        {
            Time = happened.Time.LocalDateTime,
            Kind = KindOf(happened),
            Text = happened is RunWarning warning ? warning.Message : string.Join("  ", own.Select(property => TextOf(property.Name, property.GetValue(happened))).OfType<string>()),
            RunPath = runPath,
        });
        foreach (PropertyInfo property in own.Where(property => wrapped.Properties[property.Name] is null))
            wrapped.Properties.Add(new PSNoteProperty(property.Name, property.GetValue(happened)));
        return wrapped;
    }

    private static string? TextOf(string name, object? value) => value switch
    {
        null or "" => null,
        string text => $"{name}: {text}",
        IReadOnlyDictionary<string, double> scores => string.Join("  ", scores.Select(score => TextOf(score.Key, score.Value))),
        double number => string.Create(CultureInfo.InvariantCulture, $"{name}: {number:G6}"),
        IFormattable number => $"{name}: {number.ToString(null, CultureInfo.InvariantCulture)}",
        bool flag => $"{name}: {flag}",
        IReadOnlyList<string> { Count: > 0 } texts when name == nameof(StageStarted.Settings) => $"{name}: {string.Join(", ", texts)}",
        IEnumerable => null,
        _ => null,
    };
}
