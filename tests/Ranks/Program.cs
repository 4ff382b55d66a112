using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Joining;

// What the tests have ranks do under mpiexec: each writes lines to standard error and ends with an exit code. See RankTests.
using RankGroup? group = RankGroup.Join(RankEnvironment.Find() ?? throw new InvalidOperationException("This is no rank."), TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)));
try
{
    switch (args[0])
    {
        case "exchange":
            Scenarios.Exchange(group);
            break;
        case "bandwidth":
            Scenarios.Bandwidth(group.Communicator, long.Parse(args[2], CultureInfo.InvariantCulture));
            break;
        case "lose":
            Scenarios.WaitForever(group);
            break;
        case "fail":
            Scenarios.Fail(group);
            break;
        default:
            throw new ArgumentException($"There is no '{args[0]}'.");
    }

    group.Leave(75);
    return 75;
}
catch (RunException failure)
{
    string text = $"{group.Rank}: {failure.GetType().Name}: {failure.Message}";
    Console.Error.WriteLine(text);
    group.Fail((int)failure.ExitCode, failure is RankLostException ? null : failure.Message);
    return (int)failure.ExitCode;
}

internal static unsafe class Scenarios
{
    // Parts of many lengths, none among them, of bytes that say who sent what to whom.
    public static void Exchange(RankGroup group)
    {
        ICommunicator ranks = group.Communicator;
        for (int round = 0; round < 20; round++)
        {
            long Length(int from, int to) => (from + to + round) % 3 == 0 ? 0 : (from * 1000 + to * 10 + 1) << (round % 14);
            byte Content(int from, int to, long at) => (byte)(from * 31 + to * 17 + at * 7 + round);
            long[] sent = [.. Enumerable.Range(0, ranks.Size).Select(to => Length(ranks.Rank, to))];
            long[] received = [.. Enumerable.Range(0, ranks.Size).Select(from => Length(from, ranks.Rank))];
            byte[] send = [.. Enumerable.Range(0, ranks.Size).SelectMany(to => Enumerable.Range(0, (int)sent[to]).Select(at => Content(ranks.Rank, to, at)))];
            byte[] receive = new byte[received.Sum()];
            long[] lengths = [.. Enumerable.Range(0, ranks.Size).Select(rank => Length(rank, 0))];
            byte[] mine = [.. Enumerable.Range(0, (int)lengths[ranks.Rank]).Select(at => Content(ranks.Rank, 0, at))];
            byte[] all = new byte[lengths.Sum()];
            byte[] told = ranks.Rank == 1 ? [1, 2, 3] : new byte[3];
            fixed (byte* s = send, r = receive, m = mine, a = all, t = told)
            {
                // Several at once, waited for in another order.
                ICollective exchange = ranks.BeginExchange((nint)s, sent, (nint)r, received, new CollectivePurpose("exchange", round));
                ICollective gather = ranks.BeginGather((nint)m, mine.Length, (nint)a, lengths, new CollectivePurpose("gather", round));
                ICollective broadcast = ranks.BeginBroadcast((nint)t, told.Length, 1, new CollectivePurpose("broadcast", round));
                broadcast.Wait();
                gather.Wait();
                exchange.Wait();
            }

            Check(receive.SequenceEqual(Enumerable.Range(0, ranks.Size).SelectMany(from => Enumerable.Range(0, (int)received[from]).Select(at => Content(from, ranks.Rank, at)))));
            Check(all.SequenceEqual(Enumerable.Range(0, ranks.Size).SelectMany(from => Enumerable.Range(0, (int)lengths[from]).Select(at => Content(from, 0, at)))));
            Check(told.SequenceEqual(new byte[] { 1, 2, 3 }));
            ranks.Barrier(new CollectivePurpose("barrier", round));
        }

        Console.Error.WriteLine($"{group.Rank} of {group.Size} on {group.Hosts[group.Rank]}, {group.LocalRank} of {group.LocalSize} there: all as sent");
    }

    public static void Bandwidth(ICommunicator ranks, long bytes)
    {
        nint send = (nint)NativeMemory.AllocZeroed((nuint)bytes), receive = (nint)NativeMemory.AllocZeroed((nuint)bytes);
        long[] parts = [.. Enumerable.Repeat(bytes / ranks.Size, ranks.Size)];
        for (int round = 0; round < 8; round++)
        {
            ranks.Barrier(new CollectivePurpose("barrier", round));
            long began = Stopwatch.GetTimestamp();
            ranks.BeginExchange(send, parts, receive, parts, new CollectivePurpose("exchange", round)).Wait();
            ranks.BeginGather(receive, parts[0], send, parts, new CollectivePurpose("gather", round)).Wait();
            if (ranks.Rank == 0)
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:0.0} ms"));
        }

        NativeMemory.Free((void*)send);
        NativeMemory.Free((void*)receive);
    }

    // Rank 1 never comes to the collective in which the others wait.
    public static void WaitForever(RankGroup group)
    {
        group.Report(reason => Console.Error.WriteLine($"{group.Rank}: stop: {reason}"), () => { }, notice => Console.Error.WriteLine($"{group.Rank}: notice: {notice}"));
        group.Communicator.Barrier(new CollectivePurpose("barrier", 7));
        Console.Error.WriteLine($"{group.Rank} is process {Environment.ProcessId}");
        if (group.Rank == 1)
            Thread.Sleep(Timeout.Infinite);
        group.Communicator.Barrier(new CollectivePurpose("gradients", 8));
    }

    public static void Fail(RankGroup group)
    {
        group.Communicator.Barrier(new CollectivePurpose("barrier", 7));
        if (group.Rank == 1)
            throw new RunException(ExitCode.Data, "SampleNotReadable", "The sample 'x' can't be read.");
        group.Communicator.Barrier(new CollectivePurpose("gradients", 8));
    }

    private static void Check(bool isSo)
    {
        if (!isSo)
            throw new RunException(ExitCode.Unexpected, "Wrong", "What arrived is not what was sent.");
    }
}
