//! The CPU device: the reference that every other device must agree with.
//!
//! Matrix products are in [`gemm`]; the rest is one file an operation family. Threads are a pool of
//! our own, so that a run never fights the server for cores.

use std::ops::Range;

use crate::batching::{MicroBatch, Segment};
use crate::device::{
    Activation, AdamWStep, Addend, AttentionShape, BadValue, Batch, BatchStorage, Beta, Buffer, Columns,
    Device, DropoutMask, Element, HeadGradient, LossSum, LossWork, Precision, RmsNorm, RotaryShape, Storage,
    StoredValues, Weight, WeightData, WeightFormat, Workload,
};
use crate::weights::{DType, f16_to_f32};
use elementwise::Output;
use gemm::{Data, Matrix, MatrixMut, Product, bf16_to_f32};

mod adapter;
mod array;
mod attention;
mod cross_entropy;
mod elementwise;
pub mod gemm;
mod upload;
pub(crate) mod vectorize;

pub use array::{Array, HalfArray};

/// Columns of a weight's gradient below which a kernel's width would be wasted: adapters' ranks.
const NARROW: usize = 64;

/// Tasks of one parallel region write disjoint parts of the same array through this.
#[derive(Clone, Copy)]
struct Rows {
    start: *mut f32,
    len: usize,
}

// SAFETY: only `slice` and `at` hand out access, whose callers promise disjoint parts.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Rows {
    fn of(values: &mut [f32]) -> Self {
        Self { start: values.as_mut_ptr(), len: values.len() }
    }

    /// # Safety
    /// The array outlives the use, and no other task touches `start..start + len` meanwhile.
    unsafe fn slice<'a>(self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start + len <= self.len);
        // SAFETY: inside the array; disjointness is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// # Safety
    /// As for [`Rows::slice`], for whatever is written from here on.
    unsafe fn at(self, start: usize) -> *mut f32 {
        assert!(start < self.len);
        // SAFETY: inside the array.
        unsafe { self.start.add(start) }
    }
}

/// A micro-batch in host memory.
pub struct CpuBatch {
    pub ids: Vec<u32>,
    /// The id to predict at each position, or -100.
    pub targets: Vec<i32>,
    pub positions: Vec<u32>,
    pub segments: Vec<Segment>,
    /// Positions with a target.
    pub supervised: Vec<u32>,
}

pub struct CpuDevice {
    pool: rayon::ThreadPool,
}

impl CpuDevice {
    /// `threads`: 0 takes the machine's cores.
    pub fn new(threads: usize) -> Self {
        let threads =
            if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("engine-{i}"))
            .build()
            .expect("a thread pool needs only memory for its stacks");
        Self { pool }
    }

    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn multiply(
        &self,
        precision: Precision,
        first: Product,
        second: Option<Product>,
        beta: Beta,
        c: MatrixMut,
    ) {
        self.pool.install(|| match second {
            Some(second) => gemm::gemm_two(precision, first, second, beta, c),
            None => gemm::gemm(precision, first.alpha, first.a, first.b, beta, c),
        });
    }
}

impl Buffer {
    fn cpu(&self) -> &Array {
        match &self.0 {
            Storage::Cpu(array) => array,
            Storage::CpuBf16(_) => unreachable!("operands are read by products alone"),
        }
    }

    fn cpu_mut(&mut self) -> &mut Array {
        match &mut self.0 {
            Storage::Cpu(array) => array,
            Storage::CpuBf16(_) => unreachable!("operands are written by what names them as its output"),
        }
    }

    /// The first `len` numbers, to be written.
    fn output(&mut self, len: usize) -> Output<'_> {
        match &mut self.0 {
            Storage::Cpu(array) => Output::F32(&mut array[..len]),
            Storage::CpuBf16(array) => Output::Bf16(&mut array[..len]),
        }
    }
}

impl Batch {
    fn cpu(&self) -> &CpuBatch {
        let BatchStorage::Cpu(batch) = &self.0;
        batch
    }
}

impl Weight {
    fn matrix(&self) -> Matrix<'_> {
        let data = match &self.data {
            WeightData::F32(buffer) => Data::F32(buffer.cpu()),
            WeightData::Bf16(array) => Data::Bf16(array),
            WeightData::F16(array) => Data::F16(array),
            WeightData::Nf4(values) => Data::Nf4(values),
            WeightData::Q8(values) => Data::Q8(values),
        };
        Matrix { data, rows: self.rows, cols: self.columns, row_stride: self.columns, col_stride: 1 }
    }

    /// A vector weight (norm): always f32.
    fn vector(&self) -> &Array {
        match &self.data {
            WeightData::F32(buffer) => buffer.cpu(),
            _ => unreachable!("vectors are uploaded as f32"),
        }
    }
}

fn input(x: &Buffer, m: usize, columns: usize) -> Matrix<'_> {
    match &x.0 {
        Storage::Cpu(array) => Matrix::f32(&array[..m * columns], m, columns),
        Storage::CpuBf16(array) => Matrix::bf16(&array[..m * columns], m, columns),
    }
}

fn output(y: &mut Buffer, m: usize, columns: usize) -> MatrixMut<'_> {
    MatrixMut { data: &mut y.cpu_mut()[..m * columns], rows: m, cols: columns, row_stride: columns }
}

impl Device for CpuDevice {
    fn description(&self) -> String {
        format!("CPU, {} threads, {:?} kernels", self.threads(), gemm::isa())
    }

    fn enter(&self, work: &mut (dyn FnMut() + Send)) {
        self.pool.install(work);
    }

    fn allocate(&self, element: Element, len: usize) -> Buffer {
        Buffer(match element {
            Element::F32 => Storage::Cpu(Array::zeros(len)),
            Element::Bf16 => Storage::CpuBf16(HalfArray::zeros(len)),
        })
    }

    fn upload(&self, values: &[f32]) -> Buffer {
        let mut buffer = self.zeros(values.len());
        self.write(values, &mut buffer);
        buffer
    }

    fn download(&self, buffer: &Buffer) -> Vec<f32> {
        match &buffer.0 {
            Storage::Cpu(array) => array.to_vec(),
            Storage::CpuBf16(array) => array.iter().map(|&bits| bf16_to_f32(bits)).collect(),
        }
    }

    fn write(&self, values: &[f32], buffer: &mut Buffer) {
        buffer.cpu_mut()[..values.len()].copy_from_slice(values);
    }

    fn upload_weight(&self, values: &[f32], rows: usize, columns: usize, format: WeightFormat) -> Weight {
        assert_eq!(values.len(), rows * columns, "a weight of [{rows}, {columns}]");
        if format == WeightFormat::F32 {
            return Weight { rows, columns, data: WeightData::F32(self.upload(values)) };
        }
        let read = |range: Range<usize>, show: &mut dyn FnMut(&[u8])| {
            let mut bytes = Vec::new();
            DType::F32.encode(&values[range], &mut bytes);
            show(&bytes);
        };
        let stored = StoredValues { dtype: DType::F32, len: values.len(), read: &read };
        self.upload_stored(&stored, rows, columns, format).expect("a weight has values of its format")
    }

    fn upload_stored(
        &self,
        stored: &StoredValues,
        rows: usize,
        columns: usize,
        format: WeightFormat,
    ) -> Result<Weight, BadValue> {
        assert_eq!(stored.len, rows * columns, "a weight of [{rows}, {columns}]");
        Ok(Weight { rows, columns, data: self.pool.install(|| upload::upload(stored, format))? })
    }

    fn download_weight(&self, weight: &Weight) -> Vec<f32> {
        match &weight.data {
            WeightData::F32(buffer) => self.download(buffer),
            WeightData::Bf16(array) => array.iter().map(|&bits| bf16_to_f32(bits)).collect(),
            WeightData::F16(array) => array.iter().map(|&bits| f16_to_f32(bits)).collect(),
            WeightData::Nf4(values) => values.dequantize(),
            WeightData::Q8(values) => values.dequantize(),
        }
    }

    fn upload_batch(&self, batch: &MicroBatch) -> Batch {
        let supervised =
            (0..batch.targets.len() as u32).filter(|&i| batch.targets[i as usize] >= 0).collect();
        Batch(BatchStorage::Cpu(CpuBatch {
            ids: batch.ids.clone(),
            targets: batch.targets.clone(),
            positions: batch.positions.clone(),
            segments: batch.segments.clone(),
            supervised,
        }))
    }

    fn copy(&self, source: &Buffer, target: &mut Buffer, len: usize) {
        self.copy_range(source, 0, target, 0, len);
    }

    fn copy_range(
        &self,
        source: &Buffer,
        source_start: usize,
        target: &mut Buffer,
        target_start: usize,
        len: usize,
    ) {
        target.cpu_mut()[target_start..][..len].copy_from_slice(&source.cpu()[source_start..][..len]);
    }

    fn copy_columns(
        &self,
        m: usize,
        width: usize,
        source: &Buffer,
        from: Columns,
        target: &mut Buffer,
        to: Columns,
    ) {
        self.pool.install(|| match (&source.0, &mut target.0) {
            (Storage::Cpu(source), Storage::Cpu(target)) => {
                elementwise::copy_columns(m, width, source, from, target, to);
            }
            (Storage::CpuBf16(source), Storage::CpuBf16(target)) => {
                elementwise::copy_columns(m, width, source, from, target, to);
            }
            _ => unreachable!("columns are copied as they are"),
        });
    }

    fn fill_zero(&self, buffer: &mut Buffer) {
        buffer.cpu_mut().fill(0.0);
    }

    fn round(&self, len: usize, x: &Buffer, y: &mut Buffer) {
        let (x, y) = (&x.cpu()[..len], y.output(len));
        self.pool.install(|| elementwise::round(x, y));
    }

    fn linear(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        x: &Buffer,
        w: &Weight,
        addend: Option<Addend>,
        beta: Beta,
        y: &mut Buffer,
    ) {
        let first = Product { alpha: scale, a: input(x, m, w.columns), b: w.matrix().transposed() };
        let second = addend.map(|Addend { scale, x, w }| Product {
            alpha: scale,
            a: input(x, m, w.columns),
            b: w.matrix().transposed(),
        });
        self.multiply(precision, first, second, beta, output(y, m, w.rows));
    }

    fn linear_input_gradient(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        dy: &Buffer,
        w: &Weight,
        addend: Option<Addend>,
        beta: Beta,
        dx: &mut Buffer,
    ) {
        let first = Product { alpha: scale, a: input(dy, m, w.rows), b: w.matrix() };
        let second = addend.map(|Addend { scale, x, w }| Product {
            alpha: scale,
            a: input(x, m, w.rows),
            b: w.matrix(),
        });
        self.multiply(precision, first, second, beta, output(dx, m, w.columns));
    }

    fn linear_weight_gradient(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        dy: &Buffer,
        rows: usize,
        x: &Buffer,
        columns: usize,
        dw: &mut Buffer,
    ) {
        let (dy, x) = (input(dy, m, rows), input(x, m, columns));
        if columns >= rows.min(NARROW) {
            let dw = output(dw, rows, columns);
            return self
                .pool
                .install(|| gemm::gemm(precision, scale, dy.transposed(), x, Beta::Accumulate, dw));
        }
        // The kernels are wide, not tall: a narrow gradient is made lying down.
        let mut lying = Array::zeros(rows * columns);
        self.pool.install(|| {
            let target = MatrixMut::new(&mut lying, columns, rows);
            gemm::gemm(precision, scale, x.transposed(), dy, Beta::Overwrite, target);
            elementwise::add_transposed(&lying, columns, dw.cpu_mut());
        });
    }

    fn add_bias(&self, m: usize, bias: &Weight, y: &mut Buffer) {
        let (bias, y) = (bias.vector(), &mut y.cpu_mut()[..m * bias.columns]);
        self.pool.install(|| elementwise::add_bias(bias, y));
    }

    fn bias_gradient(&self, m: usize, dy: &Buffer, d_bias: &mut Buffer) {
        let d_bias = d_bias.cpu_mut();
        let dy = input(dy, m, d_bias.len()).data;
        self.pool.install(|| elementwise::bias_gradient(dy, d_bias));
    }

    fn embed(&self, batch: &Batch, table: &Weight, scale: f32, x: &mut Buffer) {
        let hidden = table.columns;
        let rows = x.cpu_mut().chunks_exact_mut(hidden).zip(&batch.cpu().ids);
        let halves = |row: &mut [f32], bits: &[u16], value: fn(u16) -> f32| {
            row.iter_mut().zip(bits).for_each(|(x, &bits)| *x = scale * value(bits));
        };
        for (row, &id) in rows {
            let place = id as usize * hidden..(id as usize + 1) * hidden;
            match &table.data {
                WeightData::F32(values) => {
                    row.iter_mut().zip(&values.cpu()[place]).for_each(|(x, value)| *x = scale * value);
                }
                WeightData::Bf16(values) => halves(row, &values[place], bf16_to_f32),
                WeightData::F16(values) => halves(row, &values[place], f16_to_f32),
                WeightData::Nf4(_) | WeightData::Q8(_) => unreachable!("tables are not quantized"),
            }
        }
    }

    fn embed_gradient(&self, batch: &Batch, dx: &Buffer, hidden: usize, scale: f32, d_table: &mut Buffer) {
        let ids = &batch.cpu().ids;
        let (dx, d_table) = (&dx.cpu()[..ids.len() * hidden], &mut *d_table.cpu_mut());
        self.pool.install(|| elementwise::embed_gradient(ids, dx, hidden, scale, d_table));
    }

    fn rms_norm(
        &self,
        m: usize,
        norm: RmsNorm,
        x: &Buffer,
        w: &Weight,
        beta: Beta,
        y: &mut Buffer,
        inverse_rms: &mut Buffer,
    ) {
        let (w, len) = (w.vector(), m * w.columns);
        let (x, y, inverse) = (&x.cpu()[..len], y.output(len), &mut inverse_rms.cpu_mut()[..m]);
        self.pool.install(|| elementwise::rms_norm(norm, x, w, beta, y, inverse));
    }

    fn rms_norm_gradient(
        &self,
        m: usize,
        norm: RmsNorm,
        dy: &Buffer,
        x: &Buffer,
        w: &Weight,
        inverse_rms: &Buffer,
        dx: &mut Buffer,
        dw: Option<&mut Buffer>,
    ) {
        let (w, len) = (w.vector(), m * w.columns);
        let (dy, x, inverse, dx) =
            (&dy.cpu()[..len], &x.cpu()[..len], &inverse_rms.cpu()[..m], &mut dx.cpu_mut()[..len]);
        self.pool.install(|| {
            if let Some(dw) = dw {
                elementwise::rms_norm_weight_gradient(dy, x, inverse, dw.cpu_mut());
            }
            elementwise::rms_norm_gradient(norm, dy, x, w, inverse, dx);
        });
    }

    fn rope(&self, batch: &Batch, shape: RotaryShape, table: &Buffer, inverse: bool, x: &mut Buffer) {
        let positions = &batch.cpu().positions;
        let (x, table) = (&mut x.cpu_mut()[..positions.len() * shape.heads * shape.head_dim], table.cpu());
        self.pool.install(|| elementwise::rope(x, positions, shape, table, inverse));
    }

    fn attention(
        &self,
        precision: Precision,
        batch: &Batch,
        shape: AttentionShape,
        query: &Buffer,
        key: &Buffer,
        value: &Buffer,
        output: &mut Buffer,
        log_sum_exp: &mut Buffer,
    ) {
        let m = batch.tokens();
        let inputs = attention::Inputs { query: query.cpu(), key: key.cpu(), value: value.cpu() };
        let output = &mut output.cpu_mut()[..m * shape.query_size()];
        let log_sum_exp = &mut log_sum_exp.cpu_mut()[..m * shape.heads];
        self.pool.install(|| {
            attention::forward(precision, shape, &batch.cpu().segments, inputs, output, log_sum_exp)
        });
    }

    fn attention_gradient(
        &self,
        precision: Precision,
        batch: &Batch,
        shape: AttentionShape,
        query: &Buffer,
        key: &Buffer,
        value: &Buffer,
        output: &Buffer,
        log_sum_exp: &Buffer,
        d_output: &Buffer,
        d_query: &mut Buffer,
        d_key: &mut Buffer,
        d_value: &mut Buffer,
    ) {
        let m = batch.tokens();
        let inputs = attention::Inputs { query: query.cpu(), key: key.cpu(), value: value.cpu() };
        let kept = attention::Kept {
            output: &output.cpu()[..m * shape.query_size()],
            log_sum_exp: log_sum_exp.cpu(),
            d_output: d_output.cpu(),
        };
        let (dq, dk, dv) = (d_query.cpu_mut(), d_key.cpu_mut(), d_value.cpu_mut());
        self.pool.install(|| {
            attention::backward(precision, shape, &batch.cpu().segments, inputs, kept, dq, dk, dv)
        });
    }

    fn attention_cached(
        &self,
        m: usize,
        past: usize,
        shape: AttentionShape,
        query: &Buffer,
        key_cache: &Buffer,
        value_cache: &Buffer,
        output: &mut Buffer,
    ) {
        let inputs = attention::Inputs { query: query.cpu(), key: key_cache.cpu(), value: value_cache.cpu() };
        let output = output.cpu_mut();
        self.pool.install(|| attention::cached(shape, m, past, inputs, output));
    }

    fn gated(&self, activation: Activation, len: usize, gate: &Buffer, up: &Buffer, y: &mut Buffer) {
        let (gate, up, y) = (&gate.cpu()[..len], &up.cpu()[..len], y.output(len));
        self.pool.install(|| elementwise::gated(activation, gate, up, y));
    }

    fn gated_gradient(
        &self,
        activation: Activation,
        len: usize,
        dy: &Buffer,
        gate: &Buffer,
        up: &Buffer,
        d_gate: &mut Buffer,
        d_up: &mut Buffer,
    ) {
        let (dy, gate, up) = (&dy.cpu()[..len], &gate.cpu()[..len], &up.cpu()[..len]);
        let (d_gate, d_up) = (d_gate.output(len), d_up.output(len));
        self.pool.install(|| elementwise::gated_gradient(activation, dy, gate, up, d_gate, d_up));
    }

    fn soft_cap(&self, len: usize, cap: f32, x: &mut Buffer) {
        let x = &mut x.cpu_mut()[..len];
        self.pool.install(|| elementwise::soft_cap(x, cap));
    }

    fn cross_entropy(
        &self,
        precision: Precision,
        batch: &Batch,
        x: &Buffer,
        head: &Weight,
        soft_cap: Option<f32>,
        work: &mut LossWork,
        gradient: Option<HeadGradient>,
    ) -> LossSum {
        let gradient = gradient.map(|gradient| cross_entropy::Gradient {
            dx: &mut gradient.dx.cpu_mut()[..batch.tokens() * head.columns],
            d_head: gradient.d_head.map(|d_head| &mut **d_head.cpu_mut()),
            scale: gradient.scale,
        });
        let (batch, x, head) = (batch.cpu(), &**x.cpu(), head.matrix());
        let work = cross_entropy::Work { logits: work.logits.cpu_mut(), inputs: work.inputs.cpu_mut() };
        self.pool
            .install(|| cross_entropy::cross_entropy(precision, batch, x, head, soft_cap, work, gradient))
    }

    fn dropout(&self, m: usize, columns: usize, mask: DropoutMask, x: &Buffer, beta: Beta, y: &mut Buffer) {
        let (x, y) = (input(x, m, columns).data, &mut y.cpu_mut()[..m * columns]);
        self.pool.install(|| adapter::dropout(mask, columns, x, beta, y));
    }

    fn row_squares(&self, w: &Weight, squares: &mut Buffer) {
        let (values, squares) = (self.download_weight(w), &mut squares.cpu_mut()[..w.rows]);
        self.pool.install(|| adapter::row_squares(&values, w.columns, squares));
    }

    fn magnitude_factors(
        &self,
        squares: &Buffer,
        products: &Buffer,
        b: &Weight,
        magnitude: &Weight,
        norms: &mut Buffer,
        factors: &mut Buffer,
    ) {
        let (squares, products) = (squares.cpu(), &products.cpu()[..b.columns * b.rows]);
        let (b, magnitude) = (b.vector(), magnitude.vector());
        let (norms, factors) = (norms.cpu_mut(), factors.cpu_mut());
        self.pool.install(|| adapter::magnitude_factors(squares, products, b, magnitude, norms, factors));
    }

    fn scale_columns(&self, m: usize, factors: &Buffer, x: &Buffer, beta: Beta, y: &mut Buffer) {
        let factors = factors.cpu();
        let (x, y) = (&x.cpu()[..m * factors.len()], &mut y.cpu_mut()[..m * factors.len()]);
        self.pool.install(|| adapter::scale_columns(factors, x, beta, y));
    }

    fn magnitude_gradient(
        &self,
        m: usize,
        dy: &Buffer,
        factors: &Buffer,
        norms: &Buffer,
        direction: &mut Buffer,
        d_magnitude: Option<&mut Buffer>,
    ) {
        let (factors, norms) = (factors.cpu(), norms.cpu());
        let dy = input(dy, m, factors.len()).data;
        let direction = &mut direction.cpu_mut()[..m * factors.len()];
        let d_magnitude = d_magnitude.map(|d| &mut **d.cpu_mut());
        self.pool.install(|| adapter::magnitude_gradient(dy, factors, norms, direction, d_magnitude));
    }

    fn sum_of_squares(&self, buffer: &Buffer) -> f64 {
        let values = buffer.cpu();
        self.pool.install(|| elementwise::sum_of_squares(values))
    }

    fn adamw(
        &self,
        step: &AdamWStep,
        value: &mut Buffer,
        gradient: &Buffer,
        first_moment: &mut Buffer,
        second_moment: &mut Buffer,
    ) {
        let (value, gradient) = (value.cpu_mut(), gradient.cpu());
        let (first, second) = (first_moment.cpu_mut(), second_moment.cpu_mut());
        self.pool.install(|| elementwise::adamw(step, value, gradient, first, second));
    }

    fn workspace_bytes(&self, workload: &Workload) -> u64 {
        let &Workload { precision, ref products, attention, longest } = workload;
        let threads = self.threads();
        let scratch = gemm::scratch_bytes(precision, threads, products.iter().copied());
        threads as u64 * (scratch + attention::scratch_bytes(precision, attention, longest))
            + attention::shared_bytes(attention, longest)
    }
}
