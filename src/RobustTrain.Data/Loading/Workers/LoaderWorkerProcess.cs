using System.ComponentModel;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>The main function of a process worker: <c>robusttrain loader-worker</c>, started by a loader and by nobody else.</summary>
public static unsafe class LoaderWorkerProcess
{
    // Millions of file names; whatever claims more is no loader.
    private const int LargestMessage = 1 << 30;

    /// <summary>Reads what to do from standard input, works until the trainer stops or is gone, and gives the exit code.</summary>
    public static int Run()
    {
        ThisProcess.IgnoreInterrupt();
        ThisProcess.DieWithParent();
        ThisProcess.LetTrace(ThisProcess.ParentId);
        if (ReadMessage() is not byte[] message)
        {
            Console.Error.WriteLine("loader-worker is started by a loader, which tells it on standard input what to load.");
            return 2;
        }

        try
        {
            WorkerSpecification told = WorkerSpecification.Read(message);
            // The trainer may have gone between its start of this process and the request to die with it.
            if (ThisProcess.ParentId != told.ParentProcessId)
                return 0;
            StartLifeLine();
            Work(told);
            return 0;
        }
        catch (Exception exception) when (exception is InvalidDataException or Win32Exception or DatasetException or LoaderException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static void Work(WorkerSpecification told)
    {
        RingLayout layout = new(told.SlotCount, told.BatchSize, told.WorkerCapacity, told.SlotBytes);
        SharedRingMemory memory = new(layout, told.MemoryPath);
        IDataset dataset = told.Dataset.Open();
        SampleRing ring = new(memory, new SlotLayout(dataset.Fields, told.BatchSize));
        if (ring.Header->Magic != RingHeader.CurrentMagic || ring.Slots.Bytes != told.SlotBytes)
            throw new LoaderException("The ring is of another version of robusttrain, or the dataset's samples have another size.");
        FaultInjector? faults = told.Faults is null
            ? null
            : new FaultInjector(FaultPlan.Parse(told.Faults) with { StallSeconds = told.StallSeconds }, ring.Header->Seed, FaultyWorker.Process);
        new WorkerLoop(ring, new SampleLoading(dataset, faults), told.Worker).Run();
    }

    private static void StartLifeLine() => new Thread(() =>
    {
        Span<byte> buffer = stackalloc byte[64];
        while (ThisProcess.ReadInput(buffer) > 0)
        {
        }

        ThisProcess.Exit(0);
    }, 128 * 1024)
    { IsBackground = true, Name = "life line" }.Start();

    /// <summary>What the trainer says first, without the console's machinery; null where it says nothing, or stops in the middle.</summary>
    private static byte[]? ReadMessage()
    {
        byte[] length = new byte[sizeof(int)];
        if (!ReadAll(length))
            return null;
        int bytes = BitConverter.ToInt32(length);
        if (bytes is < 0 or > LargestMessage)
            return null;
        byte[] message = new byte[bytes];
        return ReadAll(message) ? message : null;
    }

    private static bool ReadAll(byte[] buffer)
    {
        for (int done = 0; done < buffer.Length;)
        {
            int read = ThisProcess.ReadInput(buffer.AsSpan(done));
            if (read == 0)
                return false;
            done += read;
        }

        return true;
    }
}
