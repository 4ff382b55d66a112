using System.Diagnostics;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Loading;

/// <summary>Decodes images and does nothing with them: what a loader is to be measured by.</summary>
public static class DecodingBenchmark
{
    /// <summary>Decodes every file once.</summary>
    /// <param name="files">The images.</param>
    /// <param name="threads">How many threads share the work, at least 1.</param>
    /// <returns>Images a second.</returns>
    /// <exception cref="SampleException">A file can't be decoded.</exception>
    public static double Measure(IReadOnlyList<string> files, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        int next = -1;
        Exception? failure = null;
        long start = Stopwatch.GetTimestamp();
        Thread[] decoders = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Decode))];
        foreach (Thread decoder in decoders)
            decoder.Start();
        foreach (Thread decoder in decoders)
            decoder.Join();
        return failure is null ? files.Count / Stopwatch.GetElapsedTime(start).TotalSeconds : throw failure;

        void Decode()
        {
            try
            {
                using ImageReader reader = new();
                ImageBuffer image = new();
                for (int file = Interlocked.Increment(ref next); file < files.Count; file = Interlocked.Increment(ref next))
                    reader.Decode(files[file], image);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref failure, exception, null);
            }
        }
    }
}
