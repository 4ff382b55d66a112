using System.Text.RegularExpressions;
using RobustTrain.Reports;
using RobustTrain.Reports.Documents;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Reports;

public sealed partial class TrainingReportTests : IDisposable
{
    private readonly StoryFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Texts_of_a_run_are_shown_as_they_are_and_never_become_markup()
    {
        _run.Write();
        string page = Page();

        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
        Assert.Contains("&lt;img src=x onerror=alert(2)&gt;", page, StringComparison.Ordinal);
        Assert.Contains("&lt;i&gt;worst&lt;/i&gt;", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;bad&lt;/b&gt;", page, StringComparison.Ordinal);
        foreach (string markup in new[] { "<script", "<img src=x", "<i>worst", "<b>bad" })
            Assert.DoesNotContain(markup, page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_page_needs_no_other_file_and_may_not_fetch_one()
    {
        _run.Write();
        string page = Page([new ReportPicture("worst \" onload=\"x", [1, 2, 3])]);

        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.Contains("src=\"data:image/png;base64,AQID\"", page, StringComparison.Ordinal);
        Assert.Contains("alt=\"worst &quot; onload=&quot;x\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Reference().Matches(page), found => !found.Value.Contains("data:", StringComparison.Ordinal));
    }

    [Fact]
    public void What_stages_change_is_shown_key_by_key()
    {
        _run.Write();
        string file = Path.Combine(_run.Path, "config.yaml");
        Assert.DoesNotContain("<h2>Stages</h2>", Page(), StringComparison.Ordinal);
        File.WriteAllText(file, File.ReadAllText(file).Replace("\nstages: null\n", "\nstages:\n  epoch-20:\n    data:\n      crop_size: 192\n    trainer:\n      freeze: [\"conv1*\"]\n", StringComparison.Ordinal));

        Assert.Contains("<h2>Stages</h2><table><tr><th>stages.epoch-20.data.crop_size</th><td>192</td></tr><tr><th>stages.epoch-20.trainer.freeze</th><td>[&quot;conv1*&quot;]</td></tr></table>", Page(), StringComparison.Ordinal);
        Assert.Contains("| stages.epoch-20.data.crop_size | 192 |", ShortReport.Write(RunStory.Read(_run.Path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Its_tags_are_balanced()
    {
        _run.Write();
        Stack<string> open = new();
        foreach (Match tag in Tag().Matches(Page()))
        {
            string name = tag.Groups["name"].Value.ToLowerInvariant();
            if (name is "meta" or "br" or "img" || tag.Groups["self"].Length > 0)
                continue;
            if (tag.Groups["end"].Length == 0)
                open.Push(name);
            else
                Assert.Equal(open.Pop(), name);
        }

        Assert.Empty(open);
    }

    [Fact]
    public void It_has_the_curves_scores_confusion_ledger_cost_and_settings()
    {
        _run.Write();
        string page = Page();

        Assert.Equal(6, Svg().Count(page));
        Assert.Contains("<td class=\"hit\" style=\"background:color-mix(in srgb,var(--good) 43.4%,transparent)\">270<br>", page, StringComparison.Ordinal);
        Assert.Contains("<th>unchanged</th>", page, StringComparison.Ordinal);
        Assert.Contains("<th>GPU hours</th><td>1 h</td>", page, StringComparison.Ordinal);
        Assert.Contains("<th>Energy of the GPUs</th><td>1 kWh</td>", page, StringComparison.Ordinal);
        Assert.Contains("<th>Not delivered</th><td>1</td>", page, StringComparison.Ordinal);
        Assert.Contains("learning_rate:", page, StringComparison.Ordinal);
        Assert.True(page.IndexOf("&lt;i&gt;worst&lt;/i&gt;</td><td class=\"n\">0.25", StringComparison.Ordinal) < page.IndexOf("<td>good</td>", StringComparison.Ordinal));
    }

    [Fact]
    public void A_run_that_failed_in_its_first_epoch_has_a_report_that_says_why()
    {
        _run.Write(epochs: 0, state: "failed", error: "The loss is NaN & <worse>.");
        string page = Page();

        Assert.Contains("<b>NumericNotFinite</b> (exit code 4): The loss is NaN &amp; &lt;worse&gt;.", page, StringComparison.Ordinal);
        Assert.Contains("There is no score yet.", page, StringComparison.Ordinal);
        Assert.Contains("Loss of each step: nothing yet.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_at_work_has_one_too()
    {
        _run.Write(epochs: 2, state: "running");
        Assert.Contains("state running", Page(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_damaged_is_named_and_the_rest_is_shown()
    {
        _run.Write();
        File.WriteAllText(Path.Combine(_run.Path, "test.json"), "{\"epoch\":");
        File.AppendAllText(Path.Combine(_run.Path, "events.ndjson"), "{\"event\":\"warning\",\"message\":\"torn");
        File.Delete(Path.Combine(_run.Path, "config.yaml"));
        Directory.Delete(Path.Combine(_run.Path, "epochs/0001"), recursive: true);
        string page = Page();

        Assert.Contains("test.json&#39; can&#39;t be read", page, StringComparison.Ordinal);
        Assert.Contains("config.yaml is missing", page, StringComparison.Ordinal);
        Assert.Equal(6, Svg().Count(page));
    }

    [Fact]
    public void A_folder_without_a_run_is_refused() =>
        Assert.Equal("RunNotFound", Assert.Throws<RunException>(() => RunStory.Read(_run.Path)).ErrorId);

    [Fact]
    public void The_short_report_escapes_what_markdown_would_take_for_markup()
    {
        _run.Write(name: "a|b `c` *d* <script>");
        string text = ShortReport.Write(RunStory.Read(_run.Path));

        Assert.StartsWith("# a\\|b \\`c\\` \\*d\\* &lt;script&gt;: Finished\n", text, StringComparison.Ordinal);
        Assert.Contains("| f1 | 0.71 | 0.71 |", text, StringComparison.Ordinal);
        Assert.Contains("| &lt;i&gt;worst&lt;/i&gt; | 0.25 |", text, StringComparison.Ordinal);
        Assert.DoesNotContain('<', text);
    }

    [Fact]
    public void A_run_with_little_but_its_record_has_both_reports()
    {
        Directory.CreateDirectory(_run.Path);
        File.WriteAllText(Path.Combine(_run.Path, "run.json"), """
            {"format":1,"id":"r","name":"bare","state":"stopped","process":{"host":"h","process_id":1,"start":"gone/0"},"working_directory":"/w","versions":{},"configuration_digest":"00",
             "started":"2026-11-01T00:00:00+00:00","updated":"2026-11-01T00:01:00+00:00","epochs":3,"best_metric":"f1",
             "attempts":[{"process":{"host":"h","process_id":1,"start":"gone/0"},"started":"2026-11-01T00:00:00+00:00","state":"stopped"}]}
            """);
        string text = ShortReport.Write(RunStory.Read(_run.Path));

        Assert.StartsWith("# bare: Stopped\n", text, StringComparison.Ordinal);
        foreach (string name in (string[])["System", "RobustTrain", "libtorch", ".NET"])
            Assert.Contains($"| {name} | not known |", text, StringComparison.Ordinal);
        Assert.Contains("<th>System</th><td>not known</td>", Page(), StringComparison.Ordinal);
    }

    private string Page(IReadOnlyList<ReportPicture>? pictures = null) => TrainingReport.Write(RunStory.Read(_run.Path), pictures ?? [], DateTimeOffset.UnixEpoch);

    [GeneratedRegex("<[^>]*\\s(?:src|href)\\s*=\\s*[\"']?[^\"'\\s>]{0,20}|url\\([^)]{0,20}")]
    private static partial Regex Reference();

    [GeneratedRegex("<(?<end>/)?(?<name>[A-Za-z][A-Za-z0-9]*)(?:\\s[^>]*?)?(?<self>/)?>")]
    private static partial Regex Tag();

    [GeneratedRegex("<svg ")]
    private static partial Regex Svg();
}
