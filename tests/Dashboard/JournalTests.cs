using System.Buffers;
using System.Text;
using RobustTrain.Dashboard.Journals;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Dashboard;

/// <summary>What reads journals.</summary>
public sealed class JournalTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(10_007)]
    public void A_curve_keeps_its_ends_and_its_mean_whatever_its_length(int points)
    {
        Series series = new(16);
        for (int x = 0; x < points; x++)
            series.Add(x, x % 5);

        Assert.InRange(series.Count, 1, 16);
        Assert.Equal(points <= 16, series.IsExact);
        Assert.Equal(points - 1, series.X()[^1]);
        Assert.All(series.Y(), value => Assert.InRange(value!.Value, 0, 4));
        if (points > 1000)
            Assert.Equal(2, series.Y().SkipLast(1).Average()!.Value, 1);
    }

    [Fact]
    public void A_value_that_is_no_number_is_a_gap()
    {
        Series series = new(16);
        foreach ((double x, double y) in ((double, double)[])[(0, 1), (1, double.NaN), (2, double.PositiveInfinity), (3, 4)])
            series.Add(x, y);

        Assert.Equal([1, null, null, 4], series.Y());
    }

    [Fact]
    public void A_step_is_read_as_the_journal_reads_it()
    {
        Random chance = new(1);
        ArrayBufferWriter<byte> line = new();
        foreach (double loss in (double[])[0, 1e-9, double.NaN, double.PositiveInfinity, .. Enumerable.Range(0, 100).Select(_ => chance.NextDouble())])
        {
            StepFinished step = new(3, 7, 123456789012, loss, chance.NextDouble(), chance.NextDouble() * 1e6, chance.NextDouble()) { Time = DateTimeOffset.UnixEpoch.AddSeconds(chance.Next()) };
            line.ResetWrittenCount();
            EventLine.Write(line, step);
            ReadOnlySpan<byte> text = line.WrittenSpan[..^1];

            Assert.Equal(step, StepLine.Read(text));
            Assert.Equal(EventLine.Read(text), StepLine.Read(text));
        }

        foreach (string other in (string[])["", "{}", "{\"event\":\"step\",", "{\"event\":\"step\",\"global_step\":\"x\"}", "{\"event\":\"step\",\"epoch\":1}", "{\"event\":\"epoch_started\",\"epoch\":1}"])
            Assert.Null(StepLine.Read(Encoding.UTF8.GetBytes(other)));
    }

    [Fact]
    public void Every_line_is_taken_once_however_it_is_appended()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("events.ndjson");
        Random chance = new(2);
        string text = string.Concat(Enumerable.Range(0, 2000).Select(number => $"{number} {new string('x', chance.Next(300))}\n"));
        JournalTail tail = new(path);
        List<int> taken = [];
        for (int at = 0; at < text.Length;)
        {
            int next = Math.Min(text.Length, at + chance.Next(1, 30_000));
            File.AppendAllText(path, text[at..next]);
            at = next;
            tail.Read(line => taken.Add(int.Parse(Encoding.UTF8.GetString(line).Split(' ')[0])));
        }

        Assert.Equal(Enumerable.Range(0, 2000), taken);
        Assert.Equal(0, tail.PassedOver);
    }
}
