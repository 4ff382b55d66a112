using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Reports.Documents;

/// <summary>A run as one HTML file that needs no other.</summary>
public static class TrainingReport
{
    private const int MostClasses = 16;
    private const int MostConfusions = 20;
    private const int MostWorst = 12;
    private const int MostEpochRows = 500;

    /// <summary>Writes the report.</summary>
    /// <param name="story">The run.</param>
    /// <param name="pictures">Pictures of samples, PNG.</param>
    /// <param name="now">When it is written.</param>
    public static string Write(RunStory story, IReadOnlyList<ReportPicture> pictures, DateTimeOffset now)
    {
        RunRecord record = story.Record;
        Html body = Html.Of($"{Head(story)}{Charts(story)}{Scores(story)}{Worst(story, pictures)}{Epochs(story)}{Attempts(story)}{Data(story)}{Notices(story)}{Facts("Cost", ReportFacts.Cost(story))}{Facts("Environment", ReportFacts.Environment(story))}{Stages(story)}{Settings(story)}<footer>Written by RobustTrain on {ReportFacts.Time(now)} UTC. Times are UTC.</footer>");
        return PageStyle.Page($"{record.Name}: training report", body).Text;
    }

    private static Html Head(RunStory story)
    {
        RunRecord record = story.Record;
        string state = record.ObservedState.ToString();
        Html error = record.Error is { } sentence && record.ObservedState == RunState.Failed
            ? Html.Of($"<div class=\"error\"><b>{record.ErrorId}</b> (exit code {record.ExitCode}): {sentence}</div>")
            : Html.Of($"");
        Html problems = new(string.Concat(story.Problems.Select(problem => Html.Of($"<div class=\"error\">{problem}</div>"))));
        return Html.Of($"<header><h1>{record.Name} <span class=\"state {state.ToLowerInvariant()}\">{state}</span></h1><p class=\"soft\">{record.Task ?? "change-detection"} · run {record.Id} · began {ReportFacts.Time(record.Started)}</p><p>{ReportFacts.State(story)}</p>{error}{problems}<div class=\"tiles\">{Tiles(story).Select(tile => Html.Of($"<div class=\"tile\"><b>{tile.Value}</b><span>{tile.Name}</span></div>"))}</div></header>");
    }

    private static IEnumerable<(string Name, string Value)> Tiles(RunStory story)
    {
        RunRecord record = story.Record;
        if (record.BestScore is { } best)
            yield return (string.Create(CultureInfo.InvariantCulture, $"best {record.BestMetric} in validation, epoch {record.BestEpoch}"), ReportFacts.Number(best));
        string metric = record.BestMetric[(record.BestMetric.IndexOf('/', StringComparison.Ordinal) + 1)..];
        if (record.TestScores?.TryGetValue(metric, out double test) == true)
            yield return ($"{metric} in test", ReportFacts.Number(test));
        if (story.Epochs.LastOrDefault() is { } last)
            yield return (string.Create(CultureInfo.InvariantCulture, $"training loss, epoch {last.Epoch}"), ReportFacts.Number(last.TrainLoss));
        yield return ("epochs complete", string.Create(CultureInfo.InvariantCulture, $"{record.EpochsDone} / {record.Epochs}"));
        yield return ("at work", ReportFacts.Duration(record.DurationSeconds));
        if (story.Cost is { } cost)
            yield return (cost.GpuSeconds is null ? "processor time" : "GPU time", ReportFacts.Hours(cost.GpuSeconds ?? cost.CpuSeconds));
        int interruptions = record.Attempts.Count(attempt => attempt.ObservedState == RunState.Interrupted);
        yield return (interruptions == 1 ? "interruption" : "interruptions", interruptions.ToString(CultureInfo.InvariantCulture));
    }

    private static Html Charts(RunStory story)
    {
        List<Plot> plots =
        [
            Of("Loss of each step", ["loss"], byStep: true),
            Of("Learning rate", ["learning_rate"], byStep: true),
        ];
        string[] scores = ScoresToShow(story);
        if (scores.Length > 0)
            plots.Insert(1, Of("Validation scores", scores, byStep: false));
        plots.Add(Of("Samples a second", ["samples_per_second"], byStep: false) with { BeginsAtZero = true });
        plots.Add(Of("Waiting for samples, % of training time", ["data_wait_percent"], byStep: false) with { BeginsAtZero = true });
        if (story.Systems.Count > 1)
            plots.Add(Of("The host, % utilisation", story.Systems.Any(sample => sample.Gpus.Any(gpu => gpu.UtilizationPercent is not null)) ? ["cpu_percent", "gpu_percent"] : ["cpu_percent"], byStep: true) with { BeginsAtZero = true });
        return Html.Of($"<h2>Curves</h2>{(story.Resumptions.Count > 0 ? Html.Of($"<p class=\"soft\">Dashed lines: a process went on with the run.</p>") : Html.Of($""))}<div class=\"charts\">{plots.Select(SvgChart.Draw)}</div>");

        Plot Of(string title, string[] metrics, bool byStep) => new(title, byStep ? "step" : "epoch", [.. metrics.Select(metric => RunMetrics.Read(story, metric, metric))])
        {
            Marks = byStep ? [.. story.Resumptions.Select(step => (double)step)] : [],
        };
    }

    // Scores of one range only stand in one chart: the one that decides and its like.
    private static string[] ScoresToShow(RunStory story)
    {
        string[] all = [.. story.Epochs.SelectMany(epoch => epoch.Scores?.Keys ?? []).Distinct()];
        string metric = story.Record.BestMetric;
        double Typical(string name) => story.Epochs.Where(epoch => epoch.Scores?.ContainsKey(name) == true).Select(epoch => Math.Abs(epoch.Scores![name])).Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double deciding = Typical(metric);
        return [.. all.Where(name => name == metric || (Typical(name) is var typical && typical > deciding / 8 && typical < deciding * 8 && !name.StartsWith("mean_", StringComparison.Ordinal))).OrderByDescending(name => name == metric).Take(4)];
    }

    private static Html Scores(RunStory story)
    {
        IReadOnlyDictionary<string, double>? validation = story.BestValidation?.Aggregated ?? story.Epochs.LastOrDefault(epoch => epoch.Epoch == story.Record.BestEpoch)?.Scores;
        IReadOnlyDictionary<string, double>? test = story.Test?.Aggregated ?? story.Record.TestScores;
        string[] names = [.. (test?.Keys ?? []).Union(validation?.Keys ?? [])];
        if (names.Length == 0)
            return Html.Of($"<h2>Scores</h2><p class=\"none\">There is no score yet.</p>");
        Html table = Html.Of($"<table><tr><th>Score</th><th class=\"n\">Validation, epoch {story.Record.BestEpoch}</th><th class=\"n\">Test</th></tr>{names.Select(name => Html.Of($"<tr><td>{name}</td><td class=\"n\">{Cell(validation, name)}</td><td class=\"n\">{Cell(test, name)}</td></tr>"))}</table>");
        return Html.Of($"<h2>Scores</h2><div class=\"side\"><div class=\"scroll\">{table}</div>{ClassTable(story)}{Confusion(story)}</div>");
    }

    private static string Cell(IReadOnlyDictionary<string, double>? scores, string name) => scores?.TryGetValue(name, out double score) == true ? ReportFacts.Number(score) : "";

    private static Html ClassTable(RunStory story)
    {
        if ((story.Test ?? story.BestValidation)?.Classes is not { Count: > 0 } classes)
            return Html.Of($"");
        string[] names = [.. classes.SelectMany(scores => scores.Keys).Distinct()];
        return Html.Of($"<div class=\"scroll\"><table><tr><th>Class</th>{names.Select(name => Html.Of($"<th class=\"n\">{name}</th>"))}</tr>{classes.Select((scores, index) => Html.Of($"<tr><td>{ReportFacts.ClassName(story, index, classes.Count)}</td>{names.Select(name => Html.Of($"<td class=\"n\">{(scores.GetValueOrDefault(name) is { } score ? ReportFacts.Number(score) : "")}</td>"))}</tr>"))}</table></div>");
    }

    private static Html Confusion(RunStory story)
    {
        ScoreFile? scored = story.Test ?? story.BestValidation;
        if (scored?.Confusion() is not { Length: > 0 } counts)
            return Html.Of($"");
        int classes = (int)Math.Sqrt(counts.Length);
        if (classes * classes != counts.Length)
            return Html.Of($"");
        return classes <= MostClasses ? Matrix(story, scored.Split, counts, classes) : Confusions(story, scored.Split, counts, classes);
    }

    // The share of a row's truth gives the shade.
    private static Html Matrix(RunStory story, string split, long[] counts, int classes)
    {
        IEnumerable<Html> rows = Enumerable.Range(0, classes).Select(truth =>
        {
            long sum = Enumerable.Range(0, classes).Sum(predicted => counts[(truth * classes) + predicted]);
            return Html.Of($"<tr><th>{ReportFacts.ClassName(story, truth, classes)}</th>{Enumerable.Range(0, classes).Select(predicted => Count(truth, predicted, sum))}</tr>");
        });
        return Html.Of($"<div class=\"scroll\"><table class=\"matrix\"><tr><th>truth \\ prediction</th>{Enumerable.Range(0, classes).Select(predicted => Html.Of($"<th>{ReportFacts.ClassName(story, predicted, classes)}</th>"))}</tr>{rows}</table><p class=\"soft\">Confusion matrix of the {split} split; % of the truth.</p></div>");

        Html Count(int truth, int predicted, long sum)
        {
            long count = counts[(truth * classes) + predicted];
            double share = sum == 0 ? 0 : (double)count / sum;
            string color = truth == predicted ? "var(--good)" : "var(--bad)";
            return Html.Of($"<td class=\"{(truth == predicted ? "hit" : "")}\" style=\"background:color-mix(in srgb,{color} {Math.Round(share * 45, 1)}%,transparent)\">{count}<br><span class=\"soft\">{100 * share:0.0} %</span></td>");
        }
    }

    private static Html Confusions(RunStory story, string split, long[] counts, int classes)
    {
        var most = Enumerable.Range(0, counts.Length).Where(cell => cell / classes != cell % classes && counts[cell] > 0).OrderByDescending(cell => counts[cell]).Take(MostConfusions);
        return Html.Of($"<div class=\"scroll\"><table><tr><th>Truth</th><th>Taken for</th><th class=\"n\">Count</th></tr>{most.Select(cell => Html.Of($"<tr><td>{ReportFacts.ClassName(story, cell / classes, classes)}</td><td>{ReportFacts.ClassName(story, cell % classes, classes)}</td><td class=\"n\">{counts[cell]}</td></tr>"))}</table><p class=\"soft\">What was confused most often, of {classes} classes, in the {split} split.</p></div>");
    }

    private static Html Worst(RunStory story, IReadOnlyList<ReportPicture> pictures)
    {
        Html shown = pictures.Count == 0 ? Html.Of($"") : Html.Of($"<div class=\"pictures\">{pictures.Select(picture => Html.Of($"<figure><figcaption>{picture.Name}</figcaption><img alt=\"{picture.Name}\" src=\"data:image/png;base64,{Convert.ToBase64String(picture.Png)}\"></figure>"))}</div>");
        if (story.Test is null || ReportFacts.SampleMetric(story) is not { } metric)
            return pictures.Count == 0 ? Html.Of($"") : Html.Of($"<h2>Samples</h2>{shown}");
        IReadOnlyList<(string Name, double Score)> worst = story.Test.Worst(metric, story.IsHigherBetter, MostWorst);
        Html table = Html.Of($"<table><tr><th>Sample</th><th class=\"n\">{metric}</th></tr>{worst.Select(sample => Html.Of($"<tr><td>{sample.Name}</td><td class=\"n\">{ReportFacts.Number(sample.Score)}</td></tr>"))}</table>");
        Html list = pictures.Count == 0 ? table : Html.Of($"<details><summary>The worst by {metric}</summary>{table}</details>");
        return Html.Of($"<h2>Worst samples of the test</h2>{shown}{list}");
    }

    private static Html Epochs(RunStory story)
    {
        if (story.Epochs.Count == 0)
            return Html.Of($"<h2>Epochs</h2><p class=\"none\">No epoch is complete yet.</p>");
        string metric = story.Record.BestMetric;
        EpochFinished[] shown = [.. story.Epochs.TakeLast(MostEpochRows)];
        Html rows = new(string.Concat(shown.Select(epoch => Html.Of($"<tr><td class=\"n\">{epoch.Epoch}</td><td class=\"n\">{ReportFacts.Number(epoch.TrainLoss)}</td><td class=\"n\">{Cell(epoch.Scores, metric)}{(epoch.IsBest ? " ★" : "")}</td><td class=\"n\">{epoch.LearningRate:0.###e+0}</td><td class=\"n\">{epoch.SamplesPerSecond:0.0}</td><td class=\"n\">{100 * epoch.DataWaitShare:0.0} %</td><td class=\"n\">{ReportFacts.Duration(epoch.DurationSeconds)}</td></tr>"))));
        Html table = Html.Of($"<div class=\"scroll\"><table><tr><th class=\"n\">Epoch</th><th class=\"n\">Training loss</th><th class=\"n\">{metric}</th><th class=\"n\">Learning rate</th><th class=\"n\">Samples/s</th><th class=\"n\">Waiting</th><th class=\"n\">Time</th></tr>{rows}</table></div>");
        string left = shown.Length < story.Epochs.Count ? $" (the last {shown.Length} of {story.Epochs.Count})" : "";
        return shown.Length <= 12 ? Html.Of($"<h2>Epochs</h2>{table}") : Html.Of($"<h2>Epochs</h2><details><summary>{Counted.Of(shown.Length, "epoch")}{left}; ★ was the best so far</summary>{table}</details>");
    }

    private static Html Attempts(RunStory story)
    {
        IEnumerable<Html> rows = story.Record.Attempts.Select((attempt, place) => Html.Of($"<tr><td class=\"n\">{place + 1}</td><td>{attempt.ObservedState}</td><td>{ReportFacts.Time(attempt.Started)}</td><td class=\"n\">{(attempt.DurationSeconds is { } seconds ? ReportFacts.Duration(seconds) : "")}</td><td class=\"n\">{(attempt.ResumedFromEpoch is { } epoch ? $"epoch {epoch + 1}" : place == 0 ? "the beginning" : "")}</td><td class=\"n\">{attempt.ExitCode}</td><td>{attempt.Process.Host}, process {attempt.Process.ProcessId}</td><td>{attempt.Error}</td></tr>"));
        return Html.Of($"<h2>Interruptions</h2><p>{Counted.Of(story.Record.Attempts.Count, "process", "processes")} worked on it.</p><div class=\"scroll\"><table><tr><th class=\"n\">#</th><th>Ended as</th><th>Began</th><th class=\"n\">At work</th><th class=\"n\">Went on at</th><th class=\"n\">Exit code</th><th>Where</th><th>Error</th></tr>{rows}</table></div>");
    }

    private static Html Data(RunStory story)
    {
        (string Name, string Value)[] totals = [.. ReportFacts.Ledger(story)];
        if (totals.Length == 0)
            return Html.Of($"<h2>Ledger</h2><p class=\"none\">No epoch is complete yet.</p>");
        Html lines = story.LedgerLines.Count == 0
            ? Html.Of($"<p>Every sample of every epoch was delivered at the first attempt.</p>")
            : Html.Of($"<details><summary>Samples that were not simply delivered{(story.LedgerLineCount > story.LedgerLines.Count ? $" (the first {story.LedgerLines.Count} of {story.LedgerLineCount})" : "")}</summary><div class=\"scroll\"><table><tr><th class=\"n\">Epoch</th><th>What became of it</th><th>Sample</th><th>Worker</th><th>Reason</th></tr>{story.LedgerLines.Select(line => Html.Of($"<tr><td class=\"n\">{line.Epoch}</td><td>{line.Line.Action}</td><td>{line.Line.Sample}</td><td>{line.Line.Worker}</td><td>{line.Line.Reason}</td></tr>"))}</table></div></details>");
        return Html.Of($"<h2>Ledger</h2>{Table(totals)}{lines}");
    }

    private static Html Notices(RunStory story) => story.Notices.Count == 0 ? Html.Of($"") : Html.Of(
        $"<h2>Notices</h2>{(story.NoticeCount > story.Notices.Count ? Html.Of($"<p class=\"soft\">The first {story.Notices.Count} of {story.NoticeCount}; events.ndjson has all.</p>") : Html.Of($""))}<div class=\"scroll\"><table>{story.Notices.Select(notice => Html.Of($"<tr><td class=\"n\">{ReportFacts.Time(notice.Time)}</td><td>{ReportFacts.Notice(notice)}</td></tr>"))}</table></div>");

    private static Html Facts(string title, IEnumerable<(string Name, string Value)> facts) => Html.Of($"<h2>{title}</h2>{Table(facts)}");

    private static Html Table(IEnumerable<(string Name, string Value)> facts) => Html.Of($"<table>{facts.Select(fact => Html.Of($"<tr><th>{fact.Name}</th><td>{fact.Value}</td></tr>"))}</table>");

    private static Html Stages(RunStory story) => story.StageSettings.Count == 0 ? Html.Of($"") : Facts("Stages", story.StageSettings);

    private static Html Settings(RunStory story) => story.Configuration is not { } configuration
        ? Html.Of($"<h2>Settings</h2><p class=\"none\">The run's config.yaml is missing.</p>")
        : Html.Of($"<h2>Settings</h2><details><summary>Every key, defaults included</summary><pre>{configuration}</pre></details>");
}

/// <summary>A picture in a report.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Png">The file's bytes.</param>
public sealed record ReportPicture(string Name, byte[] Png);
