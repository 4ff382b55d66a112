using System.Runtime.ExceptionServices;

namespace RobustTrain.Training.Checkpoints.Digests;

/// <summary>Items of work that the calling thread shares with others of its own priority.</summary>
internal static class SharedWork
{
    /// <summary>Does every item once, in no particular order.</summary>
    /// <param name="items">The items.</param>
    /// <param name="threads">The threads, the calling one among them.</param>
    /// <param name="begin">Makes what a thread needs for its items.</param>
    /// <param name="work">Does the item of a number.</param>
    /// <remarks>What an item throws first is thrown; the items that have not begun by then are not done.</remarks>
    public static void Run<T>(int items, int threads, Func<T> begin, Action<int, T> work)
        where T : IDisposable
    {
        int next = -1;
        ExceptionDispatchInfo? failure = null;

        // On Linux a thread begins with the priority of the one that starts it; elsewhere it is told.
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(_ => new Thread(TakeItems) { IsBackground = true, Priority = Thread.CurrentThread.Priority })];
        foreach (Thread other in others)
            other.Start();
        TakeItems();
        foreach (Thread other in others)
            other.Join();
        failure?.Throw();

        void TakeItems()
        {
            try
            {
                using T own = begin();
                while (failure is null && Interlocked.Increment(ref next) is int item && item < items)
                    work(item, own);
            }
            catch (Exception first)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(first), null);
            }
        }
    }
}
