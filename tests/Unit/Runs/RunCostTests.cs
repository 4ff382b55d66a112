using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Runs;

public sealed class RunCostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Run => _folder.At("run");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_process_has_used_stands_in_the_record_with_the_next_epoch()
    {
        using (RunFolder run = Open())
        using (RunJournal journal = new(run))
        {
            journal.Write(new RunStarted("id", Run, Environment.ProcessId, 2, 10, null));
            journal.Write(Cost(12, gpu: 12, energy: 3600));
            Assert.Null(RunFolder.ReadRecord(Run).Attempts[^1].Cost);
            journal.Write(new EpochFinished(0, 0.5, null, false, 0.1, 10, 0, 12));
        }

        Assert.Equal(new RunCost(12, 12, 20, 3600, 1), RunFolder.ReadRecord(Run).Attempts[^1].Cost);
    }

    [Fact]
    public void Processes_add_up_and_of_a_killed_one_the_journals_last_word_counts()
    {
        // Its record is the one that it began with: a kill came before any epoch.
        using (RunFolder run = Open())
        using (RunJournal journal = new(run))
        {
            journal.Write(new RunStarted("id", Run, Environment.ProcessId, 2, 10, null));
            journal.Write(Cost(10, gpu: 10, energy: null));
            journal.Write(Cost(30, gpu: 30, energy: null));
        }

        Assert.Equal(new RunCost(30, 30, 20, null, 1), RunCost.Of(RunFolder.ReadRecord(Run), Run));
        using (RunFolder run = Open())
        using (RunJournal journal = new(run))
        {
            Assert.Equal(30, run.Record.Attempts[0].Cost!.DurationSeconds);
            Assert.Equal(30, run.Record.Attempts[0].DurationSeconds);
            journal.Write(new RunStarted("id", Run, Environment.ProcessId, 2, 10, null));
            journal.Write(Cost(5, gpu: 5, energy: 100));
            journal.Write(new RunFinished("stopped", 75, null, null));
        }

        RunRecord record = RunFolder.ReadRecord(Run);
        Assert.Equal(2, record.Attempts.Count);
        Assert.Equal(new RunCost(35, 35, 40, 100, 2), RunCost.Of(record, Run));
    }

    [Fact]
    public void A_run_that_never_told_has_no_cost_and_no_zeros()
    {
        using (Open())
        {
        }

        Assert.Null(RunCost.Of(RunFolder.ReadRecord(Run), Run));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(700)]
    [InlineData(9000)]
    public void The_last_word_is_found_however_much_follows_it(int followers)
    {
        StringBuilder text = new();
        text.Append("{\"event\":\"run_started\",\"run_id\":\"a\",\"run_path\":\"/r\",\"process_id\":7,\"epochs\":1,\"steps_per_epoch\":1,\"resumed_from_epoch\":null}\n");
        text.Append("{\"event\":\"cost\",\"duration_seconds\":1,\"gpu_seconds\":null,\"cpu_seconds\":2,\"energy_joules\":null,\"data_wait_seconds\":3,\"process_id\":7}\n");
        text.Append("{\"event\":\"cost\",\"duration_seconds\":4,\"gpu_seconds\":null,\"cpu_seconds\":5,\"energy_joules\":null,\"data_wait_seconds\":6,\"process_id\":7}\n");
        for (int line = 0; line < followers; line++)
            text.Append("{\"event\":\"warning\",\"message\":\"one of many\"}\n");
        text.Append("{\"event\":\"cost\",\"duration_seconds\":99");
        string journal = _folder.Write("events.ndjson", Encoding.UTF8.GetBytes(text.ToString()));

        Assert.Equal(4, RunJournalReader.LastCost(journal, processId: 7)!.DurationSeconds);
        Assert.Null(RunJournalReader.LastCost(journal, processId: 8));
    }

    [Fact]
    public void A_process_that_said_nothing_yet_does_not_get_the_word_of_the_one_before()
    {
        string journal = _folder.Write("events.ndjson", "{\"event\":\"cost\",\"duration_seconds\":1,\"gpu_seconds\":null,\"cpu_seconds\":2,\"energy_joules\":null,\"data_wait_seconds\":3,\"process_id\":7}\n{\"event\":\"run_started\",\"run_id\":\"a\",\"run_path\":\"/r\",\"process_id\":7,\"epochs\":1,\"steps_per_epoch\":1,\"resumed_from_epoch\":null}\n"u8.ToArray());

        Assert.Null(RunJournalReader.LastCost(journal, processId: 7));
        Assert.Null(RunJournalReader.LastCost(_folder.At("missing"), processId: 7));
    }

    [Fact]
    public void A_journal_is_read_one_event_at_a_time_as_it_is_read_at_once()
    {
        StringBuilder text = new();
        for (int line = 0; line < 3000; line++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"event\":\"{(line % 3 == 0 ? "step" : "warning")}\",\"message\":\"{new string('ä', line % 90)}\",\"epoch\":0,\"step\":{line},\"global_step\":{line},\"loss\":1,\"learning_rate\":1,\"samples_per_second\":1,\"data_wait_share\":0}}\n");
        text.Append("{\"event\":\"warning\",\"mess");
        string journal = _folder.Write("events.ndjson", Encoding.UTF8.GetBytes(text.ToString()));

        Assert.Equal(RunJournalReader.ReadAll(journal), RunJournalReader.Enumerate(journal));
        Assert.Equal(RunJournalReader.ReadAll(journal).Where(happened => happened is not StepFinished), RunJournalReader.Enumerate(journal, "step"));
        Assert.Empty(RunJournalReader.Enumerate(_folder.At("missing")));
    }

    private RunFolder Open() => RunFolder.Open(Run, new TrainingConfig { Data = new DataConfig { Path = "/d" } }, ResumeMode.Auto, RunVersions.Current());

    private static CostMeasured Cost(double seconds, double? gpu, double? energy) => new(seconds, gpu, 20, energy, 1) { ProcessId = Environment.ProcessId };
}
