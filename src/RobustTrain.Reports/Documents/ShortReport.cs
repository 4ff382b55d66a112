using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Reports.Documents;

/// <summary>A run in a page of Markdown, for a merge request or a message.</summary>
public static class ShortReport
{
    private const int MostWorst = 5;

    /// <summary>Writes the report.</summary>
    public static string Write(RunStory story)
    {
        RunRecord record = story.Record;
        Markdown text = new();
        text.Heading(1, $"{record.Name}: {record.ObservedState}").Paragraph(ReportFacts.State(story));
        if (record.Error is { } error && record.ObservedState == RunState.Failed)
            text.Paragraph($"{record.ErrorId} (exit code {record.ExitCode}): {error}");
        foreach (string problem in story.Problems)
            text.Paragraph(problem);

        IReadOnlyDictionary<string, double>? validation = story.BestValidation?.Aggregated;
        IReadOnlyDictionary<string, double>? test = story.Test?.Aggregated ?? record.TestScores;
        text.Table(
            ["Score", string.Create(CultureInfo.InvariantCulture, $"Validation, epoch {record.BestEpoch}"), "Test"],
            (test?.Keys ?? []).Union(validation?.Keys ?? []).Select(name => (string[])[name, Cell(validation, name), Cell(test, name)]));
        if (story.Test is { } scored && ReportFacts.SampleMetric(story) is { } metric)
            text.Heading(2, "Worst samples of the test").Table(["Sample", metric], scored.Worst(metric, story.IsHigherBetter, MostWorst).Select(sample => (string[])[sample.Name, ReportFacts.Number(sample.Score)]));
        text.Heading(2, "Interruptions").Paragraph($"{Counted.Of(record.Attempts.Count, "process", "processes")} worked on it.")
            .Table(["#", "Ended as", "Began (UTC)", "Exit code", "Error"], record.Attempts.Select((attempt, place) => (string[])[$"{place + 1}", $"{attempt.ObservedState}", ReportFacts.Time(attempt.Started), $"{attempt.ExitCode}", attempt.Error ?? ""]));
        Facts(text, "Ledger", ReportFacts.Ledger(story));
        Facts(text, "Cost", ReportFacts.Cost(story));
        Facts(text, "Environment", ReportFacts.Environment(story));
        Facts(text, "Stages", story.StageSettings);
        return text.ToString();
    }

    private static void Facts(Markdown text, string title, IEnumerable<(string Name, string Value)> facts)
    {
        (string Name, string Value)[] all = [.. facts];
        if (all.Length > 0)
            text.Heading(2, title).Table(["What", "Value"], all.Select(fact => (string[])[fact.Name, fact.Value]));
    }

    private static string Cell(IReadOnlyDictionary<string, double>? scores, string name) => scores?.TryGetValue(name, out double score) == true ? ReportFacts.Number(score) : "";
}
