using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace RobustTrain.Tests.Windows;

/// <summary>
/// <c>tests/Pester/fakes/robusttrain</c> where there is no shell of Unix: the same variables <c>FAKE_…</c>, which are told there, the same events,
/// the same run folder.
/// </summary>
internal sealed class FakeHost
{
    private readonly bool _isEnlarging = Variable("TASK") == "super-resolution";
    private readonly string _end = Variable("END") ?? "finished";
    private readonly TimeSpan _pace = TimeSpan.FromSeconds(double.Parse(Variable("EPOCH_SECONDS") ?? "0.1", CultureInfo.InvariantCulture));
    private readonly string _command;
    private readonly ManualResetEventSlim _stop = new();
    private readonly TextWriter _output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };
    private readonly TextWriter _error = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true, NewLine = "\n" };
    private readonly string _began = Now();
    private int _epochs = int.Parse(Variable("EPOCHS") ?? "3", CultureInfo.InvariantCulture);
    private int _epochsDone;
    private readonly string? _runPath;
    private string _name = "fake";
    private readonly string _resume = "auto";
    private string _testScores = "null";
    private readonly bool _hasLifeLine;
    private readonly bool _isCheck;

    private FakeHost(string[] arguments)
    {
        if (Variable("CALLS") is { } calls)
            File.AppendAllText(calls, string.Join(' ', arguments) + "\n");
        if (Variable("ORDER") is { } order)
            File.WriteAllText(order, Environment.GetEnvironmentVariable("CUDA_DEVICE_ORDER") + "\n");
        if (Variable("ON_EVENT") is { } told)
            File.WriteAllText(told, Environment.GetEnvironmentVariable("ROBUSTTRAIN_ON_EVENT") + "\n");
        _command = arguments[0];
        for (int at = 1; at < arguments.Length; at++)
        {
            switch (arguments[at])
            {
                case "--run-path": _runPath = arguments[++at]; break;
                case "--life-line": _hasLifeLine = true; break;
                case "--check": _isCheck = true; break;
                case "--resume": _resume = arguments[++at]; break;
                case "--pairs":
                    at++;
                    if (Variable("PAIRS") is { } pairs)
                        File.Copy(arguments[at], pairs, overwrite: true);
                    break;
                case "--set":
                    TakeSetting(arguments[++at]);
                    break;
            }
        }
    }

    /// <summary>Plays the executable.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        try
        {
            return new FakeHost(arguments).Play();
        }
        catch (Ended ended)
        {
            return ended.Code;
        }
    }

    private string Scores => _isEnlarging
        ? "\"psnr_y\":28.1234,\"ssim_y\":0.8123,\"psnr\":26.5"
        : "\"f1\":0.77,\"iou\":0.6,\"precision\":0.8,\"recall\":0.75,\"accuracy\":0.95,\"mean_f1\":0.85";

    private string ScoreNames => _isEnlarging ? ",\"score_names\":[\"psnr_y\",\"ssim_y\",\"psnr\",\"ssim\"]" : "";

    private string Task => _isEnlarging ? ",\"task\":\"super-resolution\"" : "";

    // What events say of the task, which a record says in other places.
    private string OfTask => _isEnlarging ? $"{Task},\"best_metric\":\"psnr_y\"{ScoreNames}" : "";

    private static string? Variable(string name) => Environment.GetEnvironmentVariable("FAKE_" + name) is { Length: > 0 } value ? value : null;

    private static int Steps(int otherwise) => int.Parse(Variable("STEPS") ?? $"{otherwise}", CultureInfo.InvariantCulture);

    private static string Now() => DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture) + "+00:00";

    private static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private void TakeSetting(string setting)
    {
        if (setting.StartsWith("trainer.epochs=", StringComparison.Ordinal))
            _epochs = int.Parse(setting["trainer.epochs=".Length..], CultureInfo.InvariantCulture);
        else if (setting.StartsWith("name=", StringComparison.Ordinal))
            _name = setting["name=".Length..].Trim('"').Replace("\\", "", StringComparison.Ordinal);
    }

    private int Play()
    {
        if (_end == "configuration")
            throw Say(2, "broken.yaml, line 3: 'loader' has no key 'batch_sise'; did you mean 'batch_size'?");
        if (_end == "silent")
            return 1;
        if (_hasLifeLine || _command != "train")
            new Thread(ReadInput) { IsBackground = true }.Start();
        if (_command == "train" && OperatingSystem.IsWindows())
            new Thread(Listen(new EventWaitHandle(initialState: false, EventResetMode.AutoReset, $@"Global\RobustTrain.Stop.{Environment.ProcessId}"))) { IsBackground = true }.Start();
        switch (_command)
        {
            case "evaluate": Evaluate(); break;
            case "predict": Predict(); break;
            case "sample-data": MakeSampleData(); break;
            case "loader": MeasureLoader(); break;
            case "config": CheckConfiguration(); break;
            case "plot": break;
            case "find-learning-rate": FindLearningRate(); break;
            case "train": Train(); break;
            default: throw Say(2, $"the fake knows no command '{_command}'.");
        }

        return 0;
    }

    // Nothing but 'stop' is ever said; the end of the line says the same.
    private void ReadInput()
    {
        Console.In.ReadLine();
        _stop.Set();
    }

    private ThreadStart Listen(EventWaitHandle asked) => () =>
    {
        asked.WaitOne();
        _stop.Set();
    };

    private void Event(string kind, string properties) => _output.WriteLine($"{{\"event\":\"{kind}\",\"time\":\"{Now()}\"{(properties.Length > 0 ? "," : "")}{properties}}}");

    private Ended Say(int code, string sentence)
    {
        _error.WriteLine($"robusttrain: {sentence}");
        return new Ended(code);
    }

    private Ended Refuse(int code, string error, string id)
    {
        Event("run_finished", $"\"state\":\"failed\",\"exit_code\":{code},\"error\":\"{error}\",\"error_id\":\"{id}\"");
        return new Ended(code);
    }

    // Whether it was asked to stop meanwhile, and obeys.
    private bool Pause()
    {
        bool asked = _stop.Wait(_pace);
        if (!asked || _end != "deaf")
            return asked;
        Thread.Sleep(_pace);
        return false;
    }

    private void Work(int steps, string kind, string properties)
    {
        for (int step = 1; step <= steps; step++)
        {
            if (Pause())
                throw Say(1, "Stopped.");
            Event(kind, $"{properties},\"done\":{step},\"total\":{steps}");
        }
    }

    private void Evaluate()
    {
        if (_end == "missing")
            throw Refuse(2, "There is no folder.", "CheckpointNotFound");
        Event("warning", "\"message\":\"The best checkpoint is damaged.\"");
        Work(Steps(3), "evaluation_progress", "\"split\":\"test\"");
        Event("evaluation_finished", $"\"checkpoint\":\"/c/epoch-0002\",\"epoch\":2,\"data_path\":\"/d\",\"split\":\"test\",\"samples\":13,\"scores\":{{{Scores}}},\"differencing_f1\":{Variable("BASELINE") ?? "null"},\"duration_seconds\":1.5{OfTask}");
    }

    private void Predict()
    {
        if (_isCheck)
        {
            Event("prediction_planned", "\"checkpoint\":\"/c/epoch-0002\",\"pairs\":2,\"output_path\":\"/o\"");
            return;
        }

        Work(Steps(3), "prediction_progress", "\"name\":\"a\"");
        switch (Variable("FORM"))
        {
            case "map":
                Event("prediction_made", "\"checkpoint\":\"/c/epoch-0002\",\"image1\":\"/i/a.png\",\"image2\":null,\"map_path\":\"/o/a.png\",\"score_path\":null,\"width\":952,\"height\":640,\"changed_share\":0.7,\"mean_confidence\":0.99,\"duration_seconds\":1.5,\"class_shares\":[0.3,0.1,0.6]");
                return;
            case "image":
                Event("image_predicted", "\"checkpoint\":\"/c/epoch-0002\",\"image\":\"/i/a.png\",\"result_path\":\"/o/a.png\",\"width\":952,\"height\":640,\"result_width\":3808,\"result_height\":2560,\"duration_seconds\":1.5");
                return;
            case "label":
                Event("label_predicted", "\"checkpoint\":\"/c/epoch-0002\",\"image\":\"/i/a.png\",\"width\":952,\"height\":640,\"top\":[{\"label\":\"cat\",\"probability\":0.75},{\"label\":\"dog\",\"probability\":0.2},{\"label\":\"bird\",\"probability\":0.05}],\"duration_seconds\":1.5");
                return;
        }

        Event("prediction_made", "\"checkpoint\":\"/c/epoch-0002\",\"image1\":\"/i/a.png\",\"image2\":\"/i/b.png\",\"map_path\":\"/o/a.png\",\"score_path\":null,\"width\":952,\"height\":640,\"changed_share\":0.125,\"mean_confidence\":0.99,\"duration_seconds\":1.5");
        if (_end != "damaged")
            return;
        Event("prediction_failed", "\"image1\":\"/i/bad.png\",\"image2\":\"/i/b.png\",\"message\":\"The file is damaged.\",\"target\":\"/i/bad.png\"");
        throw Refuse(3, "1 of 2 pairs could not be read.", "PairsNotReadable");
    }

    private void MakeSampleData()
    {
        if (_end == "exists")
            throw Refuse(2, "The folder is not empty.", "SampleDataExists");
        Work(Steps(12), "sample_data_progress", "\"scene\":\"Szada/1\"");
        Event("sample_data_finished", "\"path\":\"/d\",\"scenes\":12,\"seed\":7,\"changed_share\":0.05,\"differencing_f1\":0.31,\"duration_seconds\":2.5");
    }

    private void MeasureLoader()
    {
        if (_end == "nodata")
            throw Refuse(2, "The dataset folder does not exist.", "DatasetNotUsable");
        const string nowhere = "\"epoch\":0,\"sample_index\":null,\"sample\":null";
        Event("loader", $"\"kind\":\"worker_ready\",\"message\":\"Worker process-0 is ready.\",\"worker\":\"process-0\",\"process_id\":1,{nowhere}");
        Event("loader", $"\"kind\":\"fell_back\",\"message\":\"The rest of the epoch is loaded in the trainer's own process.\",\"worker\":null,\"process_id\":null,{nowhere}");
        for (int workers = 1; workers <= 2; workers++)
        {
            (string speed, string wait) = Variable("SHORT") is null ? ($"{workers}234.5", "12.3") : ("null", "null");
            Work(Steps(3), "loader_progress", $"\"worker_kind\":\"process\",\"workers\":{workers}");
            Event("loader_measured", $"\"worker_kind\":\"process\",\"workers\":{workers},\"samples_per_second\":{speed},\"first_batch_milliseconds\":98.7,\"overhead_microseconds\":45.6,\"worker_memory_bytes\":52428800,\"ring_bytes\":4194304,\"longest_wait_milliseconds\":{wait},\"read_seconds\":0.1,\"decode_seconds\":1.5,\"augment_seconds\":0.5,\"worker_wait_seconds\":0.25,\"consumer_wait_share\":0.5,\"delivered\":3741,\"retried\":7,\"skipped\":3,\"quarantined\":3,\"worker_failures\":4,\"digest\":\"0123456789abcdef\",\"epoch\":0,\"lost\":0");
        }
    }

    private void FindLearningRate()
    {
        Work(Steps(3), "learning_rate_progress", "\"warm\":true");
        Event("learning_rates_measured", $"\"points\":[{{\"step\":0,\"learning_rate\":1e-7,\"loss\":0.7,\"smoothed_loss\":0.7}},{{\"step\":1,\"learning_rate\":1e-3,\"loss\":0.5,\"smoothed_loss\":0.6}},{{\"step\":2,\"learning_rate\":10,\"loss\":9,\"smoothed_loss\":4}}],\"suggested\":{Variable("SUGGESTED") ?? "1"},\"has_exploded\":true,\"duration_seconds\":1.5");
    }

    private void CheckConfiguration()
    {
        const string nothing = "\"device\":null,\"training_samples\":null,\"validation_samples\":null,\"test_samples\":null,\"steps_per_epoch\":null";
        if (_end == "invalid")
        {
            Event("configuration_checked", $$"""
                "errors":[{"error_id":"ConfigurationUnknownKey","message":"/x/my, own.yaml, line 3: 'loader' has no key 'batch_sise'; did you mean 'batch_size'?","key":"loader.batch_sise"},{"error_id":"ConfigurationOutOfRange","message":"--set trainer.epochs=0: too small.","key":"trainer.epochs"},{"error_id":"ConfigurationInvalidYaml","message":"/x/y.yaml, line 7, column 2: not YAML.","key":null}],{{nothing}}
                """);
            throw new Ended(2);
        }

        if (_resume == "never" && File.Exists(Path.Combine(_runPath ?? "", "run.json")))
            throw Refuse(2, "The run path holds a run already.", "RunExists");
        Event("configuration_checked", $"\"errors\":[],\"device\":\"cpu\",\"training_samples\":3744,\"validation_samples\":24,\"test_samples\":12,\"steps_per_epoch\":234,\"run_path\":{Quoted(RunPath)}");
    }

    private string RunPath => _runPath ?? Path.Combine(Environment.CurrentDirectory, "runs", _name);

    private void Train()
    {
        Directory.CreateDirectory(RunPath);
        Record("running", "null", "null", "null");
        Event("run_started", $"\"run_id\":\"20260101T000000-{Environment.ProcessId}\",\"run_path\":{Quoted(RunPath)},\"process_id\":{Environment.ProcessId},\"epochs\":{_epochs},\"steps_per_epoch\":10,\"resumed_from_epoch\":null{OfTask}");
        Event("warning", "\"message\":\"This is a fake.\"");
        if (Variable("UNUSED") is not null)
            Event("warning", "\"message\":\"Images are not used (4 files: '/d/1', '/d/2', '/d/3', …).\",\"kind\":\"unused_images\",\"count\":4,\"files\":[\"/d/1\",\"/d/2\",\"/d/3\",\"/d/4\"]");
        for (int epoch = 0; epoch < _epochs; epoch++)
            Train(epoch);
        WaitAtGate(_epochs);
        _testScores = $"{{{Scores}}}";
        Event("test_finished", $"\"best_epoch\":{_epochs - 1},\"scores\":{_testScores}");
        Finish("finished", 0);
    }

    private void Train(int epoch)
    {
        if (epoch > 0)
            WaitAtGate(epoch);
        int step = (epoch * 10) + 9;
        Event("epoch_started", $"\"epoch\":{epoch},\"learning_rate\":0.001");
        Event("step", $"\"epoch\":{epoch},\"step\":9,\"global_step\":{step},\"loss\":0.5,\"learning_rate\":0.001,\"samples_per_second\":100,\"data_wait_share\":0.25");
        if (Pause())
            Finish("stopped", 75);
        FailAsTold();
        _epochsDone = epoch + 1;
        Record("running", "null", "null", "null");
        Event("evaluation_progress", "\"split\":\"val\",\"done\":1,\"total\":2");
        Event("checkpoint_saved", $"\"path\":{Quoted(Path.Combine(RunPath, "checkpoints", $"{epoch}"))},\"epoch\":{epoch},\"global_step\":{step + 1},\"bytes\":1000,\"duration_seconds\":0.01");
        string loader = "";
        if (Variable("TROUBLE") is { } first && epoch >= int.Parse(first, CultureInfo.InvariantCulture))
        {
            foreach (int sample in (int[])[7, 8])
                Event("loader", $"\"kind\":\"sample_skipped\",\"message\":\"Sample {sample} ({sample}.png) is skipped: it is damaged.\",\"worker\":null,\"process_id\":null,\"epoch\":{epoch},\"sample_index\":{sample},\"sample\":\"{sample}.png\"");
            Event("loader", $"\"kind\":\"worker_died\",\"message\":\"Worker process-0 died: killed by signal 9.\",\"worker\":\"process-0\",\"process_id\":1,\"epoch\":{epoch},\"sample_index\":null,\"sample\":null");
            Event("loader", $"\"kind\":\"worker_ready\",\"message\":\"Worker process-0 is ready.\",\"worker\":\"process-0\",\"process_id\":2,\"epoch\":{epoch},\"sample_index\":null,\"sample\":null");
            loader = ",\"loader\":{\"worker_kind\":\"process\",\"workers\":1,\"batches\":2,\"samples\":8,\"read_seconds\":0,\"decode_seconds\":0,\"augment_seconds\":0,\"slot_wait_seconds\":0,\"consumer_wait_seconds\":0,\"consumer_wait_share\":0,\"first_batch_seconds\":0,\"delivered\":6,\"retried\":0,\"skipped\":2,\"quarantined\":0,\"worker_failures\":1,\"digest\":\"00\"}";
        }

        string found = Variable("UNSCORED") == $"{epoch}" ? "null" : _isEnlarging ? $"{{\"psnr_y\":28.{50 + epoch},\"ssim_y\":0.8123,\"psnr\":26.5}}" : $"{{\"f1\":0.{50 + epoch},\"iou\":0.4,\"precision\":0.6,\"recall\":0.7,\"accuracy\":0.9,\"mean_f1\":0.8}}";
        Event("epoch_finished", string.Create(CultureInfo.InvariantCulture, $"\"epoch\":{epoch},\"train_loss\":0.{90 - epoch},\"scores\":{found},\"is_best\":true,\"learning_rate\":0.001,\"samples_per_second\":123.5,\"data_wait_share\":0.25,\"duration_seconds\":{_pace.TotalSeconds}{loader}"));
    }

    private void FailAsTold()
    {
        switch (_end)
        {
            case "numeric": Finish("failed", 4, "\"The loss is NaN at step 9 of epoch 0.\"", "\"NumericNotFinite\""); break;
            case "image": Finish("failed", 3, "\"The file is not an image.\"", "\"SampleNotReadable\"", "\"/d/a.png\""); break;
            case "data": Finish("failed", 3, "\"3 of 10 samples are unreadable, but 2 are allowed.\"", "\"DataBeyondErrorBudget\""); break;
            case "memory": Finish("failed", 5, "\"The device has no memory for one sample.\"", "\"OutOfMemory\""); break;
            case "unexpected":
                _error.WriteLine("Unhandled exception.");
                throw new Ended(1);
            case "segfault":
                throw new Ended(unchecked((int)0xC0000005));
        }
    }

    private void WaitAtGate(int epoch)
    {
        if (Variable("GATE") is { } gate)
        {
            while (!File.Exists($"{gate}{epoch}"))
                Thread.Sleep(50);
        }
    }

    private void Finish(string state, int code, string error = "null", string id = "null", string target = "null")
    {
        Record(state, $"{code}", error, id);
        Event("run_finished", $"\"state\":\"{state}\",\"exit_code\":{code},\"error\":{error},\"error_id\":{id},\"target\":{target}");
        throw new Ended(code);
    }

    private void Record(string state, string code, string error, string id)
    {
        using Process self = Process.GetCurrentProcess();
        string process = $"{{\"host\":\"{Environment.MachineName}\",\"process_id\":{self.Id},\"start\":\"{self.StartTime.ToUniversalTime().Ticks}\"}}";
        string now = Now();
        string ended = state == "running" ? "null" : $"\"{now}\"";
        string best = _epochsDone > 0 ? $"{_epochsDone - 1}" : "null";
        string score = _epochsDone > 0 ? $"0.{50 + _epochsDone}" : "null";
        StringBuilder record = new();
        record.Append($"{{\"format\":1,\"id\":\"20260101T000000-{self.Id}\",\"name\":{Quoted(_name)},\"state\":\"{state}\",\"exit_code\":{code},\"error\":{error},\"error_id\":{id},\"process\":{process},\n");
        record.Append($"\"working_directory\":{Quoted(Environment.CurrentDirectory)},\"git_commit\":null,\"versions\":{{\"robust_train\":\"0.1.0\",\"dot_net\":\"10.0\",\"torch\":\"none\",\"operating_system\":\"Windows\"}},\n");
        record.Append($"\"configuration_digest\":\"00\",\"started\":\"{_began}\",\"updated\":\"{now}\",\"ended\":{ended},\"epochs\":{_epochs},\"epochs_done\":{_epochsDone},\n");
        record.Append($"\"best_metric\":\"{(_isEnlarging ? "psnr_y" : "f1")}\"{Task}{ScoreNames},\"best_epoch\":{best},\"best_score\":{score},\n");
        record.Append($"\"test_scores\":{_testScores},\"attempts\":[{{\"process\":{process},\"started\":\"{_began}\",\"state\":\"{state}\",\"ended\":{ended},\"exit_code\":{code},\"error\":{error},\"resumed_from_epoch\":null,\n");
        record.Append($"\"cost\":{{\"duration_seconds\":7200,\"gpu_seconds\":{Variable("GPU_SECONDS") ?? "null"},\"cpu_seconds\":3600,\"energy_joules\":{Variable("JOULES") ?? "null"},\"data_wait_seconds\":1.5}}}}]}}\n");
        string path = Path.Combine(RunPath, "run.json");
        File.WriteAllText(path + ".new", record.ToString());
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                File.Move(path + ".new", path, overwrite: true);
                return;
            }
            catch (Exception held) when (held is IOException or UnauthorizedAccessException && attempt < 500)
            {
                Thread.Sleep(10);
            }
        }
    }

    /// <summary>Ends the play.</summary>
    private sealed class Ended(int code) : Exception
    {
        public int Code { get; } = code;
    }
}
