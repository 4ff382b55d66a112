using System.Globalization;
using RobustTrain.Platform;

namespace RobustTrain.Reports.Documents;

/// <summary>A summary of many runs, as a page or as Markdown.</summary>
public static class FleetDocument
{
    private static readonly string[] s_runHeads = ["Run", "Folder", "State", "Epochs", "Best", "At work", "GPU hours", "CPU hours", "Interruptions", "Why it failed"];
    private static readonly string[] s_gpuHeads = ["GPU", "Watched", "Idle", "Idle of it", "Mean utilisation"];

    /// <summary>As one HTML file that needs no other.</summary>
    public static string WriteHtml(FleetSummary summary, string title, DateTimeOffset now)
    {
        Html runs = summary.Runs.Count == 0 ? Html.Of($"<p class=\"none\">No run was at work.</p>") : Table(s_runHeads, summary.Runs.Select(Row), state: 2);
        Html gpus = summary.Gpus.Count == 0 ? Html.Of($"<p class=\"none\">{NoGpus}</p>") : Table(s_gpuHeads, summary.Gpus.Select(Row), state: null);
        Html problems = new(string.Concat(summary.Problems.Select(problem => Html.Of($"<div class=\"error\">{problem}</div>"))));
        Html body = Html.Of($"<h1>{title}</h1><p class=\"soft\">{Stretch(summary)}</p>{problems}<div class=\"tiles\">{Totals(summary).Select(total => Html.Of($"<div class=\"tile\"><b>{total.Value}</b><span>{total.Name}</span></div>"))}</div><h2>Runs</h2>{runs}<h2>GPUs</h2>{gpus}<footer>Written by RobustTrain on {ReportFacts.Time(now)} UTC.</footer>");
        return PageStyle.Page(title, body).Text;
    }

    /// <summary>As Markdown.</summary>
    public static string WriteMarkdown(FleetSummary summary, string title)
    {
        Markdown text = new();
        text.Heading(1, title).Paragraph(Stretch(summary));
        foreach (string problem in summary.Problems)
            text.Paragraph(problem);
        text.Table(["What", "Value"], Totals(summary).Select(total => (string[])[total.Name, total.Value])).Heading(2, "Runs");
        if (summary.Runs.Count == 0)
            text.Paragraph("No run was at work.");
        text.Table(s_runHeads, summary.Runs.Select(Row)).Heading(2, "GPUs");
        if (summary.Gpus.Count == 0)
            text.Paragraph(NoGpus);
        return text.Table(s_gpuHeads, summary.Gpus.Select(Row)).ToString();
    }

    private static string NoGpus => "Nothing tells of GPUs in this time: no run noted any, and no history of a monitor was given.";

    private static string Stretch(FleetSummary summary) => $"From {ReportFacts.Time(summary.From)} to {ReportFacts.Time(summary.To)} UTC. {Counted.Are(summary.IdleRuns, "other run")} left out, not at work then.";

    private static IEnumerable<(string Name, string Value)> Totals(FleetSummary summary)
    {
        yield return ("finished", Count(summary.Finished));
        yield return ("failed", Count(summary.Failed));
        yield return ("interrupted", Count(summary.Interrupted));
        yield return ("stopped", Count(summary.Stopped));
        yield return ("running", Count(summary.Running));
        yield return ("at work", Hours(summary.WorkHours));
        if (summary.GpuHours is { } gpu)
            yield return ("GPU hours", Hours(gpu));
        if (summary.CpuHours is { } cpu)
            yield return ("CPU hours", Hours(cpu));
        if (summary.EnergyKilowattHours is { } energy)
            yield return ("energy of GPUs", string.Create(CultureInfo.InvariantCulture, $"{energy:0.##} kWh"));
        if (summary.Gpus.Count > 0)
            yield return ("GPU hours idle, as far as watched", Hours(summary.Gpus.Sum(gpu => gpu.IdleHours)));
    }

    private static string[] Row(FleetRun run) =>
    [
        run.Name,
        run.Folder,
        run.State,
        string.Create(CultureInfo.InvariantCulture, $"{run.EpochsDone}/{run.Epochs}"),
        run.BestScore is { } score ? $"{run.BestMetric} {ReportFacts.Number(score)}" : "",
        Hours(run.WorkHours),
        run.GpuHours is { } gpu ? Hours(gpu) : "",
        run.CpuHours is { } cpu ? Hours(cpu) : "",
        run.Interruptions == 0 ? "" : Count(run.Interruptions),
        run.Error ?? "",
    ];

    private static string[] Row(FleetGpu gpu) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"{gpu.ComputerName} GPU {gpu.Index}"),
        Hours(gpu.WatchedHours),
        Hours(gpu.IdleHours),
        string.Create(CultureInfo.InvariantCulture, $"{(gpu.WatchedHours > 0 ? 100 * gpu.IdleHours / gpu.WatchedHours : 0):0} %"),
        string.Create(CultureInfo.InvariantCulture, $"{gpu.MeanUtilizationPercent:0} %"),
    ];

    private static Html Table(string[] heads, IEnumerable<string[]> rows, int? state) => Html.Of(
        $"<div class=\"scroll\"><table><tr>{heads.Select(head => Html.Of($"<th>{head}</th>"))}</tr>{rows.Select(row => Html.Of($"<tr>{row.Select((cell, place) => place == state ? Html.Of($"<td><span class=\"state {cell.ToLowerInvariant()}\">{cell}</span></td>") : Html.Of($"<td>{cell}</td>"))}</tr>"))}</table></div>");

    private static string Hours(double hours) => string.Create(CultureInfo.InvariantCulture, $"{hours:0.##} h");

    private static string Count(int number) => number.ToString(CultureInfo.InvariantCulture);
}
