using System.IO.Pipes;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Host.Output;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed partial class EventStreamTests
{
    [Fact]
    public void Events_are_lines_in_order()
    {
        using MemoryStream output = new();
        using (EventStream stream = new(output))
        {
            for (int epoch = 0; epoch < 100; epoch++)
                stream.Write(new EpochStarted(epoch, 0.1));
        }

        Assert.Equal(Enumerable.Range(0, 100), Lines(output.ToArray()).Cast<EpochStarted>().Select(epoch => epoch.Epoch));
    }

    [Fact]
    public async Task A_slow_reader_misses_steps_but_no_epoch_and_holds_up_nobody()
    {
        using AnonymousPipeServerStream output = new(PipeDirection.Out);
        using AnonymousPipeClientStream reader = new(PipeDirection.In, output.ClientSafePipeHandle);
        List<string> losses = [];
        EventStream stream = new(output);
        stream.ReportLossTo(losses.Add);

        // Far more than a pipe holds, while nobody reads: this returns all the same.
        for (int step = 0; step < 20_000; step++)
            stream.Write(new StepFinished(0, step, step, 0.5, 0.1, 10, 0.1));
        for (int epoch = 0; epoch < 10; epoch++)
            stream.Write(new EpochStarted(epoch, 0.1));

        Task<byte[]> reading = Task.Run(() => ReadToEnd(reader));
        stream.Dispose();
        output.Dispose();
        RunEvent[] events = Lines(await reading);

        Assert.Equal(Enumerable.Range(0, 10), events.OfType<EpochStarted>().Select(epoch => epoch.Epoch));
        int[] steps = [.. events.OfType<StepFinished>().Select(step => step.Step)];
        Assert.Equal(steps.Order(), steps);
        Assert.InRange(steps.Length, 1, 19_999);
        // It is told whenever the reader takes something again, so once or more.
        Assert.Equal(20_000 - steps.Length, losses.Sum(loss => int.Parse(LossSentence().Match(loss).Groups["steps"].Value)));
    }

    [Fact]
    public void A_reader_that_is_gone_is_reported_once_and_harms_nobody()
    {
        List<string> losses = [];
        using AnonymousPipeServerStream output = new(PipeDirection.Out);
        new AnonymousPipeClientStream(PipeDirection.In, output.ClientSafePipeHandle).Dispose();
        output.DisposeLocalCopyOfClientHandle();
        using (EventStream stream = new(output))
        {
            stream.ReportLossTo(losses.Add);
            for (int epoch = 0; epoch < 10; epoch++)
                stream.Write(new EpochStarted(epoch, 0.1));
        }

        Assert.Equal(["The reader of the events is gone."], losses);
    }

    [GeneratedRegex("^The reader of the events was too slow and missed (?<steps>[0-9]+) of the steps\\.$")]
    private static partial Regex LossSentence();

    private static byte[] ReadToEnd(Stream stream)
    {
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static RunEvent[] Lines(byte[] bytes) =>
        [.. Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => EventLine.Read(Encoding.UTF8.GetBytes(line))!)];
}
