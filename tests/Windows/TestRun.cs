using System.Globalization;
using System.Reflection;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace RobustTrain.Tests.Windows;

/// <summary>Runs xunit's tests in this process and prints each that failed or was skipped, with the reason.</summary>
internal sealed class TestRun(string assemblyPath, KnownLacks lacks, string[] names)
{
    /// <summary>Runs the tests; the last line counts them.</summary>
    /// <returns>0 where none failed.</returns>
    public int Run(TextWriter output)
    {
        Assembly assembly = Assembly.LoadFrom(Path.GetFullPath(assemblyPath));
        using XunitTestFramework framework = new(new NoDiagnostics());
        List<ITestCase> tests = Discover(framework, assembly);
        (List<ITestCase> chosen, List<(ITestCase Test, string Reason)> left) = Choose(tests);
        Report report = new(output, left);
        using ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName());
        Options options = new();
        options.SetValue("xunit.execution.MaxParallelThreads", (int?)3);
        executor.RunTests(chosen, report, options);
        report.Ended.Wait();

        int stale = 0;
        foreach (string name in lacks.Unused)
        {
            output.WriteLine($"Failed test: {name}: the list of Wine's lacks names it, but there is no such test.");
            stale++;
        }

        output.WriteLine($"Failed: {report.Failed + stale}, Passed: {report.Passed}, Skipped: {report.Skipped + left.Count}");
        output.Flush();
        return report.Failed + stale == 0 ? 0 : 1;
    }

    private static List<ITestCase> Discover(XunitTestFramework framework, Assembly assembly)
    {
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
        Discovery found = new();
        discoverer.Find(includeSourceInformation: false, found, new Options());
        found.Ended.Wait();
        return found.Tests;
    }

    private (List<ITestCase> Chosen, List<(ITestCase Test, string Reason)> Left) Choose(List<ITestCase> tests)
    {
        List<ITestCase> chosen = [];
        List<(ITestCase, string)> left = [];
        foreach (ITestCase test in tests)
        {
            string type = test.TestMethod.TestClass.Class.Name;
            string method = test.TestMethod.Method.Name;
            string? reason = test.SkipReason is null ? lacks.ReasonFor(type, method) : null;
            if (!IsAsked($"{type}.{method}"))
                continue;
            if (reason is null)
                chosen.Add(test);
            else
                left.Add((test, $"Wine: {reason}"));
        }

        return (chosen, left);
    }

    private bool IsAsked(string name)
    {
        bool Has(string text) => name.Contains(text, StringComparison.Ordinal);
        string[] wanted = [.. names.Where(text => text[0] != '!')];
        return (wanted.Length == 0 || wanted.Any(Has)) && !names.Any(text => text[0] == '!' && Has(text[1..]));
    }

    /// <summary>Takes what the framework says; says itself when it has said everything.</summary>
    private abstract class Sink : LongLivedMarshalByRefObject, IMessageSink
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Ended => _ended.Task;

        public bool OnMessage(IMessageSinkMessage message)
        {
            Take(message);
            if (message is IDiscoveryCompleteMessage or ITestAssemblyFinished)
                _ended.TrySetResult();
            return true;
        }

        protected abstract void Take(IMessageSinkMessage message);
    }

    private sealed class Discovery : Sink
    {
        public List<ITestCase> Tests { get; } = [];

        protected override void Take(IMessageSinkMessage message)
        {
            if (message is ITestCaseDiscoveryMessage found)
                Tests.Add(found.TestCase);
        }
    }

    private sealed class NoDiagnostics : Sink
    {
        protected override void Take(IMessageSinkMessage message)
        {
        }
    }

    private sealed class Report : Sink
    {
        private readonly TextWriter _output;

        public Report(TextWriter output, List<(ITestCase Test, string Reason)> left)
        {
            _output = output;
            foreach ((ITestCase test, string reason) in left)
                _output.WriteLine($"Skipped {test.DisplayName}: {reason}");
        }

        public int Passed { get; private set; }

        public int Failed { get; private set; }

        public int Skipped { get; private set; }

        protected override void Take(IMessageSinkMessage message)
        {
            lock (_output)
            {
                switch (message)
                {
                    case ITestPassed:
                        Passed++;
                        break;
                    case ITestSkipped skipped:
                        Skipped++;
                        _output.WriteLine($"Skipped {skipped.Test.DisplayName}: {skipped.Reason}");
                        break;
                    case ITestFailed failed:
                        Fail(failed.Test.DisplayName, failed);
                        break;
                    // Says how far it has come, which may take long, and where time goes.
                    case ITestClassFinished ended:
                        _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ended.ExecutionTime,7:0.0} s {ended.TestClass.Class.Name}: {ended.TestsRun - ended.TestsFailed - ended.TestsSkipped} of {ended.TestsRun} passed"));
                        _output.Flush();
                        break;
                    // A fixture or a class that cannot be built or disposed of.
                    case ITestCollectionCleanupFailure failure:
                        Fail(failure.TestCollection.DisplayName, failure);
                        break;
                    case ITestClassCleanupFailure failure:
                        Fail(failure.TestClass.Class.Name, failure);
                        break;
                    case IErrorMessage failure:
                        Fail("xunit", failure);
                        break;
                }
            }
        }

        private void Fail(string name, IFailureInformation failure)
        {
            Failed++;
            _output.WriteLine($"Failed test: {name}: {failure.Messages[0].ReplaceLineEndings(" ")}");
            _output.WriteLine(failure.StackTraces[0]);
        }
    }

    private sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
