using System.IO.Pipes;
using System.Text;
using System.Text.RegularExpressions;
using RobustTrain.Host.Output;

namespace RobustTrain.Tests.Host;

public sealed partial class DetachedTextTests
{
    [Fact]
    public void Lines_come_in_order_and_are_all_there_when_it_is_disposed_of()
    {
        using MemoryStream output = new();
        using (DetachedText text = new(output, "standard output", loss => Assert.Fail(loss)))
        {
            for (int line = 0; line < 1000; line++)
                text.WriteLine($"{line}");
        }

        Assert.Equal(Enumerable.Range(0, 1000).Select(line => $"{line}"), Encoding.UTF8.GetString(output.ToArray()).Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_disk_that_is_full_is_told_once_and_harms_nobody()
    {
        const int noSpace = 28;
        List<string> losses = [];
        using (DetachedText text = new(new RefusingStream(new IOException("No space left on device", noSpace)), "standard output", losses.Add))
        {
            for (int line = 0; line < 10; line++)
                text.WriteLine("lost");
        }

        Assert.Equal(["What goes to standard output is dropped from here on: there is no space left on the disk."], losses);
    }

    [Fact]
    public void A_reader_that_is_gone_is_told_once_and_harms_nobody()
    {
        List<string> losses = [];
        using AnonymousPipeServerStream output = new(PipeDirection.Out);
        new AnonymousPipeClientStream(PipeDirection.In, output.ClientSafePipeHandle).Dispose();
        output.DisposeLocalCopyOfClientHandle();
        using (DetachedText text = new(output, "standard output", losses.Add))
        {
            for (int line = 0; line < 10; line++)
                text.WriteLine("lost");
        }

        Assert.Equal(["What goes to standard output is dropped from here on: its reader is gone."], losses);
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_holds_up_nobody_and_is_told_how_much_it_missed()
    {
        using AnonymousPipeServerStream output = new(PipeDirection.Out);
        using AnonymousPipeClientStream reader = new(PipeDirection.In, output.ClientSafePipeHandle);
        List<string> losses = [];
        DetachedText text = new(output, "standard output", losses.Add);

        // Far more than a pipe holds, while nobody reads: this returns all the same.
        for (int line = 0; line < 20_000; line++)
            text.WriteLine($"line {line}");
        Task<string> reading = Task.Run(() => new StreamReader(reader).ReadToEnd());
        text.Dispose();
        output.Dispose();

        string[] read = (await reading).Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(read.Length, 1, 19_999);

        // It is told whenever the reader takes something again, so once or more.
        Assert.Equal(20_000 - read.Length, losses.Sum(loss => int.Parse(LossSentence().Match(loss).Groups["lines"].Value)));
    }

    [GeneratedRegex("^The reader of standard output was too slow and missed (?<lines>[0-9]+) lines\\.$")]
    private static partial Regex LossSentence();

    private sealed class RefusingStream(IOException refusal) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw refusal;
    }
}
