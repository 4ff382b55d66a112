using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Runs;

public sealed class RunJournalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunFolder _run;

    public RunJournalTests() =>
        _run = RunFolder.Open(_folder.At("run"), new TrainingConfig { Data = new DataConfig { Path = "/d" } }, ResumeMode.Never, RunVersions.Current());

    public void Dispose()
    {
        _run.Dispose();
        _folder.Dispose();
    }

    // One event of each kind there is, every property with a value of its own.
    private static RunEvent[] AllKinds()
    {
        IEnumerable<Type> kinds = typeof(RunEvent).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType);
        return [.. kinds.Select(kind => (RunEvent)Example(kind, "Größe: \"a\"\nb")).Select(example => example is RunFinished end ? end with { State = "stopped" } : example)];
    }

    private static object Example(Type type, string text)
    {
        Type value = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            _ when value == typeof(string) => text,
            _ when value == typeof(int) => 12,
            _ when value == typeof(long) => 9_007_199_254_740_993L,
            _ when value == typeof(double) => 0.1,
            _ when value == typeof(bool) => true,
            _ when value.IsEnum => Enum.GetValues(value).GetValue(0)!,
            _ when value == typeof(DateTimeOffset) => DateTimeOffset.UnixEpoch,
            _ when value == typeof(IReadOnlyDictionary<string, double>) => new Dictionary<string, double> { ["f1"] = 0.9, ["iou"] = double.NaN },
            _ when IsGeneric(value, typeof(IReadOnlyDictionary<,>)) => Pairs(value, text),
            _ when IsGeneric(value, typeof(IReadOnlyList<>)) => Single(value.GetGenericArguments()[0], text),
            _ => Record(value, text),
        };
    }

    private static bool IsGeneric(Type type, Type definition) => type.IsGenericType && type.GetGenericTypeDefinition() == definition;

    private static Array Single(Type element, string text)
    {
        Array list = Array.CreateInstance(element, 1);
        list.SetValue(Example(element, text), 0);
        return list;
    }

    private static System.Collections.IDictionary Pairs(Type type, string text)
    {
        Type[] arguments = type.GetGenericArguments();
        var pairs = (System.Collections.IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
        pairs.Add(Example(arguments[0], text), Example(arguments[1], text));
        return pairs;
    }

    private static object Record(Type type, string text)
    {
        ConstructorInfo constructor = type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)!;
        object record = constructor.Invoke([.. constructor.GetParameters().Select(parameter => Example(parameter.ParameterType, text))]);
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite && property.Name != nameof(RunEvent.Time)))
            property.SetValue(record, Example(property.PropertyType, text));
        return record;
    }

    [Fact]
    public void Every_kind_of_event_reads_back_as_it_was_written()
    {
        RunEvent[] written = AllKinds();
        using (RunJournal journal = new(_run))
        {
            foreach (RunEvent runEvent in written)
                journal.Write(runEvent);
        }

        IReadOnlyList<RunEvent> read = RunJournalReader.ReadAll(_run.JournalPath);

        Assert.True(written.Length >= 17);
        Assert.Equal(written.Select(TextOf), read.Select(runEvent => TextOf(runEvent with { Time = default })));
        Assert.All(read, runEvent => Assert.Equal(DateTimeOffset.UtcNow.Date, runEvent.Time.Date));
    }

    [Fact]
    public void A_line_is_a_JSON_object_in_snake_case_with_its_kind_and_UTC_time()
    {
        using (RunJournal journal = new(_run))
            journal.Write(new StepFinished(1, 2, 3, double.NaN, 0.01, 123.5, 0.25));

        JsonElement line = JsonDocument.Parse(File.ReadAllText(_run.JournalPath)).RootElement;

        Assert.Equal("step", line.GetProperty("event").GetString());
        Assert.Equal(TimeSpan.Zero, line.GetProperty("time").GetDateTimeOffset().Offset);
        Assert.Equal(3, line.GetProperty("global_step").GetInt64());
        Assert.Equal("NaN", line.GetProperty("loss").GetString());
    }

    [Fact]
    public void The_record_names_the_rank_for_which_the_others_waited()
    {
        using (RunJournal journal = new(_run))
            journal.Write(new RanksMeasured(1, 20, Slowest: 2, [new(0, "gpu01", 10, 4, 0, 2), new(1, "gpu01", 10, 3.5, 0.5, 2), new(2, "gpu02", 10, 5, 1, 0)]));

        Assert.Equal(new SlowestRank(3, 2, "gpu02", 1.5), RunFolder.ReadRecord(_run.Path).SlowestRank);
        Assert.Equal("slowest of 3 ranks: 2 on gpu02, 1.50 times the others' mean", RunFolder.ReadRecord(_run.Path).SlowestRank!.Describe());

        // The next process may have no other ranks.
        _run.Dispose();
        RunFolder.Open(_run.Path, new TrainingConfig { Data = new DataConfig { Path = "/d" } }, ResumeMode.Auto, RunVersions.Current()).Dispose();
        Assert.Null(RunFolder.ReadRecord(_run.Path).SlowestRank);
    }

    [Fact]
    public void A_torn_last_line_is_not_read_and_is_cut_when_the_run_goes_on()
    {
        using (RunJournal journal = new(_run))
            journal.Write(new EpochStarted(0, 0.1));
        File.AppendAllText(_run.JournalPath, "{\"event\":\"epoch_sta");
        Assert.Single(RunJournalReader.ReadAll(_run.JournalPath));

        RunJournalReader follower = new(_run.JournalPath);
        Assert.Single(follower.ReadNew());
        using (RunJournal journal = new(_run))
            journal.Write(new EpochStarted(1, 0.2));

        Assert.Equal([1], follower.ReadNew().Cast<EpochStarted>().Select(epoch => epoch.Epoch));
        Assert.Equal([0, 1], RunJournalReader.ReadAll(_run.JournalPath).Cast<EpochStarted>().Select(epoch => epoch.Epoch));
    }

    [Fact]
    public void A_journal_that_is_one_torn_line_begins_anew()
    {
        File.WriteAllText(_run.JournalPath, "{\"event\"");

        using (RunJournal journal = new(_run))
            journal.Write(new EpochStarted(1, 0.2));

        Assert.Single(RunJournalReader.ReadAll(_run.JournalPath));
    }

    [Fact]
    public void Kinds_of_a_newer_version_are_left_out_and_other_properties_do_no_harm()
    {
        File.WriteAllText(_run.JournalPath, """
            {"event":"teleported","time":"2026-01-01T00:00:00Z"}
            {"time":"2026-01-01T00:00:00Z","colour":"red","event":"epoch_started","epoch":2,"learning_rate":0.5}

            """);

        RunEvent only = Assert.Single(RunJournalReader.ReadAll(_run.JournalPath));

        Assert.Equal(2, Assert.IsType<EpochStarted>(only).Epoch);
    }

    [Fact]
    public void A_whole_line_that_is_no_event_is_reported_and_the_rest_is_read()
    {
        File.WriteAllText(_run.JournalPath, "\0\0\0\n{\"epoch\":1}\n{\"event\":\"epoch_started\",\"epoch\":\"x\"}\n{\"event\":\"epoch_started\",\"epoch\":1,\"learning_rate\":1}\n");

        IReadOnlyList<RunEvent> events = RunJournalReader.ReadAll(_run.JournalPath);

        Assert.Equal(3, events.OfType<RunWarning>().Count());
        Assert.Single(events.OfType<EpochStarted>());
    }

    [Fact]
    public void Events_of_many_threads_are_whole_lines_and_none_is_lost()
    {
        using (RunJournal journal = new(_run))
            Parallel.For(0, 1000, step => journal.Write(new StepFinished(0, step, step, 0.5, 0.1, 1, 0)));

        IEnumerable<int> steps = RunJournalReader.ReadAll(_run.JournalPath).Cast<StepFinished>().Select(step => step.Step);

        Assert.Equal(Enumerable.Range(0, 1000), steps.Order());
    }

    [Fact]
    public void A_follower_sees_events_as_they_are_written()
    {
        using RunJournal journal = new(_run);
        RunJournalReader follower = new(_run.JournalPath);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            journal.Write(new EpochStarted(epoch, 0.1));
            Assert.Equal(epoch, Assert.IsType<EpochStarted>(Assert.Single(follower.ReadNew())).Epoch);
        }

        Assert.Empty(follower.ReadNew());
    }

    private static string TextOf(RunEvent runEvent)
    {
        System.Buffers.ArrayBufferWriter<byte> text = new();
        EventLine.Write(text, runEvent);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
